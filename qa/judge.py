"""A language model's opinion of the answers of a run, beside the exact figures and never in their place.

Flows in: a finished Run, and a Model that judges. Flows out: `judge-MODEL.jsonl` in the run folder, a line a question, and figures:
correctness, support, and how far the model agrees with answers that are labelled right or wrong (`qa.judged`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.store import Store
from prompts import render
from qa.golden import GoldenRow
from qa.instructions import as_data
from qa.judged import RIGHT, WRONG
from qa.metrics import interval, kappa
from qa.models import Model
from qa.report import run_report
from qa.result import citation_of
from qa.runs import Run, load_run, write_whole
from qa.stream import stream

_REPLY = re.compile(r"CORRECT:\W*(yes|partly|no)\b.*?SUPPORTED:\W*(yes|no)\b", re.IGNORECASE | re.DOTALL)
_WORTH = {"yes": 1.0, "partly": 0.5, "no": 0.0}


@dataclass(frozen=True, slots=True)
class Opinion:
    """`correct`: 1, 0.5 or 0; `supported`: 1 or 0; both None where the model's reply was neither."""

    correct: float | None
    supported: float | None


def judge(model: Model, question: str, expected: Iterable[str], paragraphs: Iterable[str], answer: str) -> Opinion:
    """What the model says of one answer, of which `paragraphs` are those cited; `expected` are the answers accepted. One call.
    Raises ModelUnavailable."""
    prompt = render(
        "judge", question=as_data(question), expected=" | ".join(map(as_data, expected)),
        paragraphs="\n\n".join(map(as_data, paragraphs)), answer=as_data(answer),
    )  # fmt: skip
    match = _REPLY.search("".join(stream(model, prompt)))
    return Opinion(_WORTH[match[1].lower()], _WORTH[match[2].lower()]) if match else Opinion(None, None)


def judge_run(run: Run, model: Model) -> Iterator[tuple[str, Opinion]]:
    """(id, opinion) of each answerable question of a run that has a golden answer, written down as it comes.

    A question that was abstained from is wrong without a call. What is written down already is not asked again.
    """
    path = run.folder / f"{_name(model)}.jsonl"
    had = {row.pop("id"): Opinion(**row) for row in _whole_lines(path)}
    with path.open("a", encoding="utf-8") as file:
        for record in run.records:
            golden = record["golden"]
            if not golden["answerable"] or not golden.get("answer"):
                continue
            opinion = had.get(record["id"])
            if opinion is None:
                opinion = Opinion(0.0, None) if record["abstained"] else _opinion(model, run, record)
                row = {"id": record["id"], "correct": opinion.correct, "supported": opinion.supported}
                file.write(json.dumps(row) + "\n")
                file.flush()
            yield record["id"], opinion


def report(run: Run, model: Model, said: list[str]) -> None:
    """Keeps what was said of a run (`lines`) in its folder, and in its report."""
    write_whole(run.folder / f"{_name(model)}.json", json.dumps({"lines": said}, indent=1, ensure_ascii=False) + "\n")
    write_whole(run.folder / "report.html", run_report(load_run(run.folder)))


def _name(model: Model) -> str:
    return f"judge-{re.sub(r'[^A-Za-z0-9.-]+', '-', model.spec)}"


def _opinion(model: Model, run: Run, record: Mapping[str, Any]) -> Opinion:
    golden = record["golden"]
    texts = [run.paragraphs[str(citation_of(part))] for part in record["citations"]]
    expected = [golden["answer"], *(golden.get("answer_aliases") or [])]
    return judge(
        model, record["question"], expected, texts, record["answer"].removeprefix(record.get("note", "")).strip()
    )


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a file whose last line may have been cut off, which is taken out of the file."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        path.write_bytes(whole)
    return [json.loads(line) for line in whole.splitlines()]


def agreement(rows: Iterable[GoldenRow], store: Store, model: Model) -> list[tuple[bool, bool]]:
    """(labelled right, the model says right) of each row that is an answer labelled right or wrong. A call a row."""
    found = []
    for row in rows:
        said, answered = row.raw.get("judged"), row.raw.get("answered")
        if row.answerable and row.answer and said in (RIGHT, WRONG) and isinstance(answered, str):
            texts = [store.paragraph(citation).text for group in row.groups for citation in group]
            opinion = judge(model, row.question, [row.answer, *row.aliases], texts, answered)
            found.append((said == RIGHT, opinion.correct == 1.0))
    return found


def lines(spec: str, opinions: Iterable[Opinion], agreed: list[tuple[bool, bool]]) -> Iterator[str]:
    """The figures as lines of text: means with 95% bootstrap intervals, agreement with Cohen's kappa."""
    known = list(opinions)
    yield f"judged by {spec}"
    for name in ("correct", "supported"):
        values = [value for one in known if (value := getattr(one, name)) is not None]
        if values:
            low, high = interval(values)
            yield f"  {'judge_' + name:24} {sum(values) / len(values):9.3f}  [{low:.3f}, {high:.3f}]  n={len(values)}"
    unread = sum(one.correct is None for one in known)
    if unread:
        yield f"  {unread} replies could not be read, and are not counted"
    if agreed:
        share = sum(person == machine for person, machine in agreed) / len(agreed)
        yield f"  agrees with {share:.0%} of {len(agreed)} answers labelled right or wrong, kappa {kappa(agreed):.2f}"
    else:
        yield "  its agreement with labels is unknown: no row of this set is an answer labelled right or wrong"
