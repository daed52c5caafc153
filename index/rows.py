"""Cables, passages and token vectors as rows, and back.

Flows in: Cables with their passages and encoded tokens; reference IDs and passage ids. Flows out: Cables,
CableRows, Passages, token vectors. What comes out equals what went in, token vectors to within int8. This module
does not know how passages are searched, nor that their own vectors exist.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import words
from index.cable import Cable, Citation, Paragraph, normalise_reference_id
from index.database import IN_LIST, Database
from index.embed import Encoded
from index.filter import Filter, condition
from index.passage import Passage

_COLUMNS = ("reference_id", "sent", "origin", "classification", "subject", "tags", "source", "line", "paragraphs")
_OTHER = tuple(field.name for field in fields(Cable) if field.name not in _COLUMNS)  # kept as JSON


@dataclass(frozen=True, slots=True)
class CableRow:
    """What a list of cables shows of one; see `Cable`."""

    reference_id: str
    sent: datetime | None
    origin: str
    classification: str
    subject: str
    tags: tuple[str, ...]


# --- read ----------------------------------------------------------------------------------------------


def cable(database: Database, reference_id: str) -> Cable | None:
    """The cable whose reference ID is written just so."""
    rows = database.all("SELECT * FROM cables WHERE reference_id = ?", reference_id)
    if not rows:
        return None
    name, sent, origin, classification, subject, tags, other, source, line, _ = rows[0]
    paragraphs = database.all(
        "SELECT section, paragraph, heading, marking, text FROM paragraphs WHERE reference_id = ? ORDER BY position",
        name,
    )
    rest: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in json.loads(other).items()
    }
    return Cable(
        reference_id=name, sent=_when(sent), origin=origin, classification=classification, subject=subject,
        tags=tuple(json.loads(tags)), paragraphs=tuple(Paragraph(*row) for row in paragraphs),
        source=source, line=line, **rest,
    )  # fmt: skip


def nearest_names(database: Database, reference_id: str) -> list[str]:
    """The reference IDs that are written most like this one, at most three."""
    asked = normalise_reference_id(reference_id) or reference_id.strip().upper()
    rows = database.all(
        "SELECT reference_id FROM cables ORDER BY substr(reference_id, 1, 4) <> substr(?, 1, 4), reference_id LIMIT 5000",
        asked.encode("utf-8", "replace").decode(),
    )
    return get_close_matches(asked, [name for (name,) in rows], n=3, cutoff=0.8)


def cable_rows(database: Database, where: Filter | None = None) -> list[CableRow]:
    """The cables that `where` admits, newest first, those without a date last."""
    admitted, values = condition(database, where)
    rows = database.all(
        f"SELECT reference_id, sent, origin, classification, subject, tags FROM cables c {admitted}"
        " ORDER BY sent IS NULL, sent DESC, reference_id",
        *values,
    )
    return [
        CableRow(name, _when(sent), origin, classification, subject, tuple(json.loads(tags)))
        for name, sent, origin, classification, subject, tags in rows
    ]


def corrections(database: Database, reference_ids: Sequence[str]) -> list[tuple[str, str]]:
    """See `Store.corrections`."""
    says_so = "subject: (corrects OR revises OR supersedes OR erratum OR errata)"  # in any form of the words
    rows = database.all(
        "SELECT o.reference_id, c.reference_id FROM cables c JOIN json_each(c.other, '$.references') r JOIN cables o ON o.reference_id = r.value"
        f" WHERE r.value {IN_LIST} AND c.sent > o.sent AND c.reference_id IN (SELECT reference_id FROM passages WHERE id IN"
        " (SELECT rowid FROM words WHERE words MATCH ?)) ORDER BY c.sent DESC",
        json.dumps(list(reference_ids)), says_so,
    )  # fmt: skip
    return [(corrected, by) for corrected, by in rows]


def known(database: Database) -> dict[str, tuple[str, str, int]]:
    rows = database.all("SELECT reference_id, content_hash, source, line FROM cables")
    return {name: (content_hash, source, line) for name, content_hash, source, line in rows}


def passage_ids(database: Database, reference_ids: Sequence[str]) -> list[int]:
    rows = database.all(
        f"SELECT id FROM passages WHERE reference_id {IN_LIST} ORDER BY id", json.dumps(list(reference_ids))
    )
    return [i for (i,) in rows]


def passages(database: Database, ids: Sequence[int]) -> dict[int, Passage]:
    rows = database.all(
        "SELECT s.id, s.reference_id, p.section, p.paragraph, s.start, s.end, p.text, s.context"
        f" FROM passages s JOIN paragraphs p USING (reference_id, position) WHERE s.id {IN_LIST}",
        json.dumps(list(ids)),
    )
    return {
        i: Passage(Citation(name, section, number), start, end, text[start:end], context)
        for i, name, section, number, start, end, text, context in rows
    }


def citations(database: Database, ids: Sequence[int]) -> dict[int, Citation]:
    rows = database.all(
        "SELECT s.id, s.reference_id, p.section, p.paragraph FROM passages s"
        f" JOIN paragraphs p USING (reference_id, position) WHERE s.id {IN_LIST}",
        json.dumps(list(ids)),
    )
    return {i: Citation(*address) for i, *address in rows}


def token_vectors(database: Database, ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
    rows = database.all(f"SELECT passage_id, vectors FROM tokens WHERE passage_id {IN_LIST}", json.dumps(list(ids)))
    return {i: dequantise(blob, int(database.meta("dimension"))) for i, blob in rows}


def token_spans(database: Database, ids: Sequence[int]) -> dict[int, NDArray[np.int32]]:
    rows = database.all(f"SELECT passage_id, spans FROM tokens WHERE passage_id {IN_LIST}", json.dumps(list(ids)))
    return {i: np.frombuffer(blob, "<i4").reshape(-1, 2).astype(np.int32) for i, blob in rows}


# --- write, in a transaction -----------------------------------------------------------------------------


def insert(
    transaction: sqlite3.Connection,
    cable: Cable,
    content_hash: str,
    passages: Sequence[Passage],
    tokens: Sequence[tuple[bytes, bytes]],
    first: int,
) -> None:
    """Writes a cable with all that is its own; its passages have the ids from `first`.

    `tokens`: of each passage, the vectors and the spans as they are stored (see `stored_tokens`).
    """
    sent = cable.sent.astimezone(UTC).isoformat() if cable.sent else None
    other = {name: getattr(cable, name) for name in _OTHER}
    transaction.execute(
        "INSERT INTO cables VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (cable.reference_id, sent, cable.origin, cable.classification, cable.subject, json.dumps(cable.tags),
         json.dumps(other), cable.source, cable.line, content_hash),
    )  # fmt: skip
    transaction.executemany(
        "INSERT INTO paragraphs VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (cable.reference_id, n, p.section, p.paragraph, p.heading, p.marking, p.text)
            for n, p in enumerate(cable.paragraphs)
        ),
    )
    transaction.executemany(
        "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)",
        (
            (first + n, cable.reference_id, _position(cable, p), p.start, p.end, p.context)
            for n, p in enumerate(passages)
        ),
    )
    transaction.executemany("INSERT INTO tokens VALUES (?, ?, ?)", ((first + n, *t) for n, t in enumerate(tokens)))
    words.insert(transaction, cable.reference_id)


def delete(transaction: sqlite3.Connection, reference_id: str) -> None:
    """Deletes a cable with all that is its own, if there is one; the ids of its passages become orphans."""
    words.delete(transaction, reference_id)
    ids = "SELECT id FROM passages WHERE reference_id = ?"
    transaction.execute(f"INSERT INTO orphans {ids}", (reference_id,))
    transaction.execute(f"DELETE FROM tokens WHERE passage_id IN ({ids})", (reference_id,))
    for table in ("passages", "paragraphs", "cables"):
        transaction.execute(f"DELETE FROM {table} WHERE reference_id = ?", (reference_id,))


def relocate(transaction: sqlite3.Connection, reference_id: str, source: str, line: int) -> None:
    transaction.execute("UPDATE cables SET source = ?, line = ? WHERE reference_id = ?", (source, line, reference_id))


# --- values ------------------------------------------------------------------------------------------------


def stored_tokens(encoded: Encoded) -> tuple[bytes, bytes]:
    """A passage's token vectors and their spans; `token_vectors` and `token_spans` restore them."""
    return quantise(encoded.tokens), encoded.spans.astype("<i4").tobytes()


def quantise(vectors: NDArray[np.float32]) -> bytes:
    """Unit vectors (n, dimension) as int8, each scaled to its own largest component.

    The scale is not kept: it is what makes the length 1 again.
    """
    largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True, initial=0.0), 1e-12)
    return bytes(np.rint(vectors * (127.0 / largest)).astype(np.int8).tobytes())


def dequantise(blob: bytes, dimension: int) -> NDArray[np.float32]:
    """The unit vectors (n, dimension), float32, that `quantise` was given, to within about 0.005 of each component."""
    vectors = np.frombuffer(blob, np.int8).reshape(-1, dimension).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors


def _when(sent: str | None) -> datetime | None:
    return datetime.fromisoformat(sent) if sent else None


def _position(cable: Cable, passage: Passage) -> int:
    for n, paragraph in enumerate(cable.paragraphs):
        if (
            cable.citation(paragraph) == passage.citation
            and paragraph.text[passage.start : passage.end] == passage.text
        ):
            return n
    raise ValueError(f"no paragraph {passage.citation} has the text of its passage")
