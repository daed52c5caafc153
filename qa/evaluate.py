"""Runs a golden set and writes what came out.

Flows in: a CableQA and golden rows. Flows out: a run folder (see `qa.runs`). Knows nothing of models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from index.errors import InputError, ModelUnavailable
from qa.answer import CableQA
from qa.golden import GoldenRow, doubts
from qa.metrics import SEED
from qa.provenance import made_with, short_hash
from qa.report import run_report
from qa.result import Turn
from qa.runs import Run, load_run, read_json, shown, write_whole
from qa.score import Summary, failure, figures_of, summarise
from qa.written import UNREADABLE


def run(
    qa: CableQA,
    rows: Sequence[GoldenRow],
    out: Path,
    progress: Callable[[int, int], None] | None = None,
    golden: str = "",
) -> Summary:
    """All `steps`, and the summary."""
    for done in steps(qa, rows, out, golden):
        if progress:
            progress(done, len(rows))
    return load_run(out).summary


def steps(qa: CableQA, rows: Sequence[GoldenRow], out: Path, golden: str = "") -> Iterator[int]:
    """Answers each row in turn and yields how many are done; what `out` has of the same run is not answered again.

    Each answer is on disk before it is yielded, so a run may be stopped anywhere. After the last the other files are
    written. Raises ModelUnavailable where the language model fails, and InputError where `out` holds a run of another configuration, or cannot be written.
    """
    config = configuration(qa, rows, golden)
    try:
        _claim(out, config)
        records = _kept(out / "rows.jsonl", rows)
        yield len(records)
        with (out / "rows.jsonl").open("a", encoding="utf-8") as file:
            for row in rows[len(records) :]:
                records.append(_record(qa, row))
                file.write(json.dumps(records[-1], ensure_ascii=False) + "\n")
                file.flush()
                yield len(records)
        _finish(qa, Run(out, config, records, summarise(records), {}))
    except OSError as error:
        raise InputError(f"The run folder {out} cannot be written: {error}. Name another with --out.") from None


def configuration(qa: CableQA, rows: Sequence[GoldenRow], golden: str = "") -> dict[str, Any]:
    """What the answers depend on, and the golden set, whose name is `golden`. Two runs with equal configurations give equal
    answers with `quotes`."""
    return made_with(qa) | {
        "golden": {"name": golden, "content": short_hash(json.dumps([row.raw for row in rows]).encode())},
        "questions": len(rows),
        "seed": SEED,
        "warnings": doubts(rows, qa.store),
    }


def _claim(out: Path, config: Mapping[str, Any]) -> None:
    """Makes the folder the run's own; InputError where it is another's."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "config.json"
    if not path.exists():
        if (out / "rows.jsonl").exists():
            raise InputError(f"{out} has a rows.jsonl without a config.json. Name another --out.")
        return write_whole(path, json.dumps(config, indent=1, ensure_ascii=False) + "\n")
    try:
        there = read_json(path)
        differ = [name for name in config if there.get(name) != config[name]]
    except (ValueError, AttributeError):
        differ = ["config.json"]
    if differ:
        raise InputError(
            f"{out} holds a run of another configuration (it differs in {', '.join(differ)}). Name another --out, or delete it."
        )


def _kept(path: Path, rows: Sequence[GoldenRow]) -> list[dict[str, Any]]:
    """The records that stand in `path`; a line that a killed run left unfinished is cut off."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    try:
        records = [json.loads(line) for line in whole.decode("utf-8").split("\n")[:-1]]
        if [record["id"] for record in records] != [row.id for row in rows[: len(records)]]:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} does not hold the rows of this golden set. Name another --out.") from None
    return records


def _record(qa: CableQA, row: GoldenRow) -> dict[str, Any]:
    answer = qa.answer(row.question, [Turn(*turn) for turn in row.history])
    said, failed, _ = answer.note.partition("Quotes instead.")
    if failed and UNREADABLE not in said:  # that is an answer: asked again, the model would write the same
        raise ModelUnavailable(said + "The same call goes on from here.")
    return answer.as_kept(row.id) | {
        "type": row.type,
        "figures": figures_of(row, answer),
        "failure": failure(row, answer),
        "confidence": round(answer.confidence, 4),
        "evidence": [[asdict(citation) for citation in group] for group in row.groups],
        "golden": row.raw,
    }


def _finish(qa: CableQA, done: Run) -> None:
    texts = {str(c): qa.store.paragraph(c).text for record in done.records for c in shown(record)}
    finished = Run(done.folder, done.config, done.records, done.summary, texts)
    write_whole(done.folder / "paragraphs.json", json.dumps(texts, indent=1, ensure_ascii=False) + "\n")
    write_whole(done.folder / "report.html", run_report(finished))
    write_whole(done.folder / "summary.json", json.dumps(done.summary, indent=1) + "\n")
