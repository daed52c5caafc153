"""Golden sets: questions with the answers and the evidence that are expected.

Flows in: JSON Lines files. Flows out: GoldenRows, checked, with unknown keys kept. Does not run anything.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.cable import HEADER, Citation
from index.errors import InputError, NotInIndex
from index.store import Store


@dataclass(frozen=True, slots=True)
class GoldenRow:
    """One question. `evidence` maps a group to its alternatives: any one of a group is enough, every group is needed."""

    id: str
    type: str
    question: str
    history: tuple[tuple[str, str], ...]
    answer: str
    aliases: tuple[str, ...]
    evidence: dict[str, tuple[Citation, ...]]
    answerable: bool
    raw: dict[str, Any]


def load_golden(path: Path, store: Store | None = None) -> list[GoldenRow]:
    """The rows of a golden set; with `store`, evidence is resolved against the index.

    Raises InputError with file, line and reason for bad JSON, a missing field, a double id, evidence on an
    unanswerable row, none on an answerable one, or evidence that the index lacks.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a golden set: {error}.") from None
    rows: list[GoldenRow] = []
    ids: set[str] = set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{where}: is not JSON ({error.msg} at character {error.pos}).") from None
        rows.append(_row(row, where, store))
        if rows[-1].id in ids:
            raise InputError(f"{where}: id {rows[-1].id!r} stands there twice.")
        ids.add(rows[-1].id)
    if not rows:
        raise InputError(f"{path} has no rows.")
    return rows


def _row(row: Any, where: str, store: Store | None) -> GoldenRow:
    if not isinstance(row, dict):
        raise InputError(f"{where}: is not a JSON object.")
    for name, kind in (("id", str), ("question", str), ("answerable", bool)):
        if not isinstance(row.get(name), kind):
            raise InputError(f"{where}: field {name!r} is missing or not a {kind.__name__}.")
    groups: dict[str, list[Citation]] = {}
    try:
        history = tuple((turn["question"], turn["answer"]) for turn in row.get("history") or [])
        for n, part in enumerate(row.get("evidence") or []):
            section = None if part["paragraph"] == HEADER else part.get("section")
            citation = Citation(part["reference_id"], section, part["paragraph"])
            groups.setdefault(str(part.get("group", n)), []).append(store.resolve(citation) if store else citation)
    except (KeyError, TypeError) as error:
        raise InputError(f"{where}: history or evidence lacks {error}.") from None
    except NotInIndex as error:
        raise InputError(f"{where}: row {row['id']!r}: {error}") from None
    if row["answerable"] != bool(groups):
        wrong = "is answerable but has no evidence" if row["answerable"] else "is not answerable but has evidence"
        raise InputError(f"{where}: row {row['id']!r} {wrong}.")
    return GoldenRow(
        row["id"], row.get("type", "other"), row["question"], history, row.get("answer", ""),
        tuple(row.get("answer_aliases") or ()), {g: tuple(c) for g, c in groups.items()}, row["answerable"], row,
    )  # fmt: skip


def relevant(row: GoldenRow) -> set[Citation]:
    """Every paragraph that the row's evidence names."""
    return {citation for group in row.evidence.values() for citation in group}


def groups_found(row: GoldenRow, cited: Sequence[Citation]) -> int:
    """How many evidence groups have one of their alternatives among `cited`."""
    return sum(any(citation in cited for citation in group) for group in row.evidence.values())
