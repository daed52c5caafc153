"""Golden sets: questions with the answers and the evidence that are expected.

Flows in: JSON Lines files. Flows out: GoldenRows, checked, with unknown keys kept; what is doubtful about them, as lines.
Does not run anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.cable import HEADER, Citation
from index.errors import InputError, NotInIndex
from index.store import Store
from qa.metrics import answer_match

LARGEST = 50_000_000  # bytes of a golden set; a larger file is taken for something else


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

    @property
    def groups(self) -> list[tuple[Citation, ...]]:
        """The groups of evidence, without their names."""
        return list(self.evidence.values())


def load_golden(path: Path, store: Store | None = None) -> list[GoldenRow]:
    """The rows of a golden set; with `store`, evidence is resolved against the index.

    Raises InputError with file, line and reason for bad JSON, a missing field or one of another type, a double id,
    evidence on an unanswerable row, none on an answerable one, or evidence that the index lacks; and for a file
    without rows, or of more than `LARGEST` bytes, of which no more is read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise InputError(
                f"{path} has more than {LARGEST // 1_000_000} MB. Golden sets are smaller; is it another file? Else split it."
            )
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a golden set: {error}.") from None
    rows: list[GoldenRow] = []
    first: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            row = _row(_parsed(line, f"{path}:{number}"), f"{path}:{number}", store)
            if row.id in first:
                raise InputError(
                    f"{path}:{number}: id {row.id!r} stands there twice, first on line {first[row.id]}. Rename one."
                )
            first[row.id] = number
            rows.append(row)
    if not rows:
        raise InputError(f"{path} has no rows. Write one JSON object a line, with id, question, answer and evidence.")
    return rows


def save_golden(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes rows as JSON Lines, whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}. Name a folder that can.") from None


def doubts(rows: Sequence[GoldenRow], store: Store) -> list[str]:
    """What a person should look at, a line each: questions that stand there twice, answers that are missing or do not stand
    in their evidence (in part of the cases because they are put in other words), evidence named twice."""
    return list(_doubts(rows, store))


def _doubts(rows: Sequence[GoldenRow], store: Store) -> Iterator[str]:
    first: dict[tuple[Any, ...], str] = {}
    for row in rows:
        key = (" ".join(row.question.lower().split()), row.history)
        if first.setdefault(key, row.id) != row.id:
            yield f"row {row.id!r}: asks the same as {first[key]!r}"
        named = [citation for group in row.groups for citation in group]
        if len(set(named)) < len(named):
            yield f"row {row.id!r}: names a paragraph of its evidence twice"
        if not row.answerable:
            continue
        if not row.answer:
            yield f"row {row.id!r}: has no answer, so only its evidence is measured"
        elif not answer_match(" ".join(store.paragraph(c).text for c in named), row.answer, row.aliases):
            yield f"row {row.id!r}: answer {_short(row.answer)!r} does not stand in its evidence ({', '.join(map(str, named))})"


def _short(text: str, most: int = 50) -> str:
    return text if len(text) <= most else text[: most - 4] + " ..."


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: is not JSON ({error.msg} at character {error.pos}).") from None
    except (RecursionError, UnicodeEncodeError, ValueError):
        raise InputError(f"{where}: is not JSON that can be used (nested too deep, or half a character).") from None
    if not isinstance(row, dict):
        raise InputError(f"{where}: is not a JSON object.")
    return row


def _row(row: dict[str, Any], where: str, store: Store | None) -> GoldenRow:
    def field(name: str, kind: type, default: Any = None) -> Any:
        value = row.get(name, default)
        if not isinstance(value, kind):
            wrong = "is missing or not" if default is None else "is not"
            raise InputError(f"{where}: field {name!r} {wrong} {_KINDS[kind]}.")
        return value

    id_, question, answerable = field("id", str), field("question", str), field("answerable", bool)
    type_, answer = field("type", str, "other"), row.get("answer") or ""
    aliases, history, evidence = (row.get(name) or [] for name in ("answer_aliases", "history", "evidence"))
    where = f"{where}: row {id_!r}:"
    if not question.strip():
        raise InputError(f"{where} has an empty question.")
    if not isinstance(answer, str) or not _all(aliases, str):
        raise InputError(f"{where} answer is not a string, or answer_aliases is not a list of strings.")
    if not _all(history, dict) or not all(isinstance(t.get(k), str) for t in history for k in ("question", "answer")):
        raise InputError(f"{where} history is not a list of objects with question and answer.")
    groups: dict[str, list[Citation]] = {}
    for n, part in enumerate(_evidence(evidence, where)):
        citation = Citation(part["reference_id"], part.get("section"), part.get("paragraph"))
        if citation.paragraph == HEADER:
            citation = Citation(citation.reference_id, None, HEADER)
        try:
            groups.setdefault(str(part.get("group", n)), []).append(store.resolve(citation) if store else citation)
        except NotInIndex as error:
            raise InputError(f"{where} {error}") from None
    if answerable != bool(groups):
        wrong = "is answerable but has no evidence" if answerable else "is not answerable but has evidence"
        raise InputError(f"{where} {wrong}.")
    turns = tuple((turn["question"], turn["answer"]) for turn in history)
    found = {name: tuple(group) for name, group in groups.items()}
    return GoldenRow(id_, type_, question, turns, answer, tuple(aliases), found, answerable, row)


_KINDS = {str: "a string", bool: "true or false"}


def _all(values: Any, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _evidence(parts: Any, where: str) -> list[dict[str, Any]]:
    for part in parts if isinstance(parts, list) else [None]:
        if (
            not isinstance(part, dict)
            or not isinstance(part.get("reference_id"), str)
            or "paragraph" not in part
            or not all(isinstance(part.get(name), str | None) for name in ("section", "paragraph"))
        ):
            raise InputError(
                f"{where} evidence is not a list of objects with reference_id and paragraph, each a string (paragraph may be null)."
            )
    return list(parts)
