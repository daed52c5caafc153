"""A person's own golden set: rows made from judged answers, and the same rows as a table that can be edited.

Flows in: Answers with what a person says of them; tables of strings. Flows out: golden rows, in a file that is checked before it
replaces the one before. Knows nothing of gradio.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from index.cable import Citation
from index.errors import InputError
from index.store import Store
from qa.golden import load_golden, save_golden
from qa.result import Answer, Turn

RIGHT, WRONG, SILENT = "right", "wrong", "should have abstained"
COLUMNS = ("keep", "id", "type", "question", "answer", "other answers", "evidence", "answerable", "history")
_OR, _AND = " | ", " + "  # between paragraphs of which one is enough, and between groups that are all needed
_writing = threading.Lock()


def judged_row(
    answer: Answer, history: Sequence[Turn], verdict: str, places: Sequence[str] = (), right: str = ""
) -> dict[str, Any]:
    """A golden row for the question of `answer`, with the conversation before it.

    `right`: what was cited is the evidence and the answer's gist is the answer; an abstention that is right, and an answer that
    `should have abstained`, make an unanswerable row. `wrong`: `places` (`09TARN14 ¶2`; any one is enough) are the evidence and
    `right` the answer. Raises InputError where it is wrong and no place is given.
    """
    if verdict == WRONG and not places:
        raise InputError("Pick the paragraph that answers the question, then save.")
    named = list(places)
    if verdict == RIGHT:
        named = list(dict.fromkeys(str(one.citation) for one in answer.citations))
        right = answer.gist
    answerable = verdict == WRONG or (verdict == RIGHT and not answer.abstained)
    return {
        "id": f"chat-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}",
        "type": "chat" if answerable else "unanswerable",
        "question": answer.question,
        "history": [{"question": turn.question, "answer": turn.answer} for turn in history],
        "answer": right.strip() if answerable else "",
        "answer_aliases": [],
        "evidence": _evidence(_OR.join(named)) if answerable else [],
        "answerable": answerable,
        "judged": verdict,
        "answered": answer.said,
        "model": answer.model,
    }


def add_row(path: Path, row: dict[str, Any], store: Store) -> int:
    """Adds a row to the set in `path`, in place of one with the same question and history; returns how many there are now."""
    with _writing:
        rows = [one for one in rows_of(path) if _key(one) != _key(row)]
        _save(path, [*rows, row], store)
        return len(rows) + 1


def add_rows(path: Path, new: Sequence[dict[str, Any]], store: Store) -> int:
    """Adds whole rows to the set in `path`; one whose id is taken by another row gets a new one, one whose question is there
    already, with the same history, is left out. Returns how many there are now."""
    with _writing:
        rows = rows_of(path)
        for row in new:
            if _key(row) not in map(_key, rows):
                taken = {one["id"] for one in rows}
                names = (f"{row['id']}{f'-{n}' if n else ''}" for n in itertools.count())
                rows.append(row | {"id": next(name for name in names if name not in taken)})
        _save(path, rows, store)
        return len(rows)


def _key(row: Mapping[str, Any]) -> tuple[str, Any]:
    return row["question"], row.get("history") or []


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of the set in `path` as they stand; none where there is no file."""
    return [row.raw for row in load_golden(path)] if path.exists() else []


def to_table(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """The rows as `COLUMNS`."""
    return [
        [
            True, row["id"], row.get("type", ""), row["question"], row.get("answer") or "", _OR.join(row.get("answer_aliases") or []),
            _written(row.get("evidence") or []), row["answerable"],
            " / ".join(f"{turn['question']} — {turn['answer']}" for turn in row.get("history") or []),
        ]
        for row in rows
    ]  # fmt: skip


def save_table(
    path: Path, table: Sequence[Sequence[Any]], store: Store, loaded: Sequence[Sequence[Any]] | None = None
) -> int:
    """Replaces the set in `path` by an edited table, without the rows that are not kept; returns how many there are now. Rows that
    have come into the set since the table was `loaded`, where that is given, stay.

    What the table does not show (history, other keys) is kept, by id, else by a question that only one row asks. Raises InputError, and changes nothing, where the
    rows are no golden set on this index.
    """
    with _writing:
        before = rows_of(path)
        asked = Counter(row["question"] for row in before)
        known = {row["question"]: row for row in before if asked[row["question"]] == 1}
        known |= {row["id"]: row for row in before}
        rows: list[dict[str, Any]] = []
        for cells in table:
            keep, id_, type_, question, answer, aliases, evidence, answerable, *_ = cells
            if not _true(keep) or not str(question or "").strip():
                continue
            id_ = str(id_ or "").strip() or f"mine-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{len(rows)}"
            old = known.get(id_) or known.get(str(question)) or {}
            rows.append(old | {
                "id": id_, "type": str(type_ or "other"), "question": str(question), "history": old.get("history") or [],
                "answer": str(answer or ""), "answer_aliases": [part.strip() for part in str(aliases or "").split("|") if part.strip()],
                "evidence": _evidence(str(evidence or "")), "answerable": _true(answerable),
            })  # fmt: skip
        if loaded is not None:
            seen = {str(cells[1]) for cells in loaded} | {row["id"] for row in rows}
            rows += [row for row in before if row["id"] not in seen]
        _save(path, rows, store)
        return len(rows)


def _true(cell: Any) -> bool:
    return cell is True or str(cell).strip().lower() == "true"


def _save(path: Path, rows: Sequence[dict[str, Any]], store: Store) -> None:
    """Checks the rows as a file beside `path` before they take its place; no rows, no file."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    checked = path.with_name(path.name + ".new")
    save_golden(checked, rows)
    try:
        load_golden(checked, store)
    except InputError as error:
        raise InputError(str(error).replace(f"{checked}:", "line ")) from None
    else:
        checked.replace(path)
    finally:
        checked.unlink(missing_ok=True)


def _evidence(text: str) -> list[dict[str, Any]]:
    """`09A1 ¶2 | 09A1 ¶3 + 09C3` -> two groups, the first with two alternatives."""
    found = []
    for n, group in enumerate(text.split(_AND.strip()), 1):
        for place in group.split(_OR.strip()):
            reference_id, _, label = place.strip().partition(" ¶")
            section, _, number = label.strip().rpartition(".")
            if reference_id:
                found.append({
                    "reference_id": reference_id, "section": section or None, "paragraph": number or None, "item": None, "group": f"r{n}",
                })  # fmt: skip
    return found


def _written(evidence: Sequence[dict[str, Any]]) -> str:
    groups: dict[str, list[str]] = {}
    for n, part in enumerate(evidence):
        citation = Citation(part["reference_id"], part.get("section"), part.get("paragraph"))
        groups.setdefault(json.dumps(part.get("group", n)), []).append(str(citation))
    return _AND.join(_OR.join(group) for group in groups.values())
