"""The index folder: SQLite for cables, full text and token vectors, Chroma for passage vectors.

Flows in: Cables with their encoded passages; queries. Flows out: Cables, Paragraphs, Passages, ranked passage
ids. The only module that imports sqlite3 and chromadb (when vectors are first needed: `show` never does). It
does not know how a cable is parsed or a passage embedded, nor how rankings are fused.

    DIR/cables.sqlite   meta, cables, paragraphs, passages, tokens; words: the full-text index
    DIR/vectors/        Chroma: one collection, its ids are passage ids
    DIR/writing.sqlite  empty; locked while a run writes

A passage has one id everywhere, and no id is used twice. Ids are recorded as `orphans` before their vectors go
to Chroma, and cease to be in the transaction that adds their rows: what a killed run leaves in Chroma is known,
found by no search, and swept out by the next run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from index.cable import BEFORE_FIRST, HEADER, Cable, Citation, Paragraph, normalise_reference_id
from index.embed import Encoded
from index.errors import IndexMismatch, IndexMissing, InputError, NotInIndex
from index.passage import Passage

SCHEMA = 1
_DATABASE = "cables.sqlite"
_BATCH = 128  # passages that are written together
_SLICE = 1000  # ids in one call to Chroma
_TERM = re.compile(r"\d+(?:[.,]\d+)+|\w+")  # `2,871` is searched for as a whole
_TOKENIZER = "tokenize='porter unicode61'"
_TABLES = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE cables (reference_id TEXT PRIMARY KEY, sent TEXT, origin TEXT, classification TEXT, subject TEXT, tags TEXT,
    other TEXT, source TEXT, line INTEGER, content_hash TEXT) WITHOUT ROWID;
CREATE INDEX cables_sent ON cables (sent);
CREATE INDEX cables_origin ON cables (origin);
CREATE TABLE paragraphs (reference_id TEXT, position INTEGER, section TEXT, paragraph TEXT, heading TEXT, marking TEXT,
    text TEXT, PRIMARY KEY (reference_id, position));
CREATE TABLE passages (id INTEGER PRIMARY KEY, reference_id TEXT, position INTEGER, start INTEGER, end INTEGER, context TEXT);
CREATE INDEX passages_cable ON passages (reference_id);
CREATE TABLE tokens (passage_id INTEGER PRIMARY KEY, vectors BLOB, spans BLOB);
CREATE TABLE orphans (passage_id INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE words USING fts5(text, heading, subject, content='', {_TOKENIZER});
"""
_COLUMNS = ("reference_id", "sent", "origin", "classification", "subject", "tags", "source", "line", "paragraphs")
_OTHER = tuple(field.name for field in fields(Cable) if field.name not in _COLUMNS)  # kept as JSON
_WORDS_OF = """SELECT s.id, substr(p.text, s.start + 1, s.end - s.start), p.heading, c.subject FROM passages s
    JOIN paragraphs p USING (reference_id, position) JOIN cables c USING (reference_id)"""
_IN = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class CableRow:
    """What a list of cables shows of one; see `Cable`."""

    reference_id: str
    sent: datetime | None
    origin: str
    classification: str
    subject: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cables to search; what is None or empty admits all, and the rest must all hold.

    `origin`: the whole name in any case, or where no cable has it a part of one (`astana`: Embassy Astana).
    `classification`: whole, in any case. `tag`: one of the cable's TAGS, in any case. `sent_from`, `sent_to`: days
    in UTC, both included; a cable without a date is in no such range. `cables`: any of these reference IDs.
    """

    origin: str | None = None
    classification: str | None = None
    tag: str | None = None
    sent_from: date | None = None
    sent_to: date | None = None
    cables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Addition:
    cable: Cable
    content_hash: str
    passages: tuple[Passage, ...]
    vectors: tuple[NDArray[np.float32], ...]
    tokens: tuple[tuple[bytes, bytes], ...]


class Store:
    """An index folder, opened by `Store.open` (to read) or `Store.create` (to write); close it, or use `with`.

    One Store serves any number of threads. A reader sees what finished transactions of a writing process
    have added; it never writes to SQLite. Chroma needs a writable folder: for an index in a read-only one its
    part is copied to a temporary folder when first searched.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, on_close: ExitStack, writable: bool) -> None:
        self.folder = folder
        self._connection = connection
        self._on_close = on_close
        self._writable = writable
        self._lock = threading.RLock()
        self._chroma: Any = None
        self._revision: Any = None
        self._opened_at: Any = None
        self._vectors = ExitStack()
        self._stemmer: sqlite3.Connection | None = None
        self._pending: dict[str, _Addition] = {}

    @classmethod
    def open(cls, folder: Path) -> Store:
        """The finished index in `folder`, to read.

        Raises IndexMissing where there is none or it was never finished, and IndexMismatch where another
        version made it or it cannot be read.
        """
        folder = Path(folder)
        if not (folder / _DATABASE).is_file():
            raise IndexMissing(f"No index in {folder}. Run `cable-qa index PATH --index {folder}`.")
        with ExitStack() as stack, _readable(folder):
            store = cls(folder, _connect_to_read(folder / _DATABASE, stack), stack, writable=False)
            tables = store._one("SELECT count(*) FROM sqlite_master")
            if tables:
                store._check_schema()
            if not tables or not store._meta("built"):
                raise IndexMissing(
                    f"The index in {folder} was never finished. Run `cable-qa index PATH --index {folder}` again."
                )
            store._on_close = stack.pop_all()
        return store

    @classmethod
    def create(cls, folder: Path, embedding_model: str, dimension: int | None = None) -> Store:
        """The index in `folder`, to write; made, with its folder, where there is none.

        `embedding_model` is the model's identity (`index.embed.identity_of`). Raises IndexMismatch where the index
        was made with another model, dimension or version, and InputError where another process is writing to it.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"The index folder {folder} cannot be made: {error.strerror}.") from None
        with ExitStack() as stack, _readable(folder):
            _lock_for_writing(folder, stack)
            connection = _connect(f"{(folder / _DATABASE).resolve().as_uri()}?mode=rwc", stack)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            store = cls(folder, connection, stack, writable=True)
            if not store._one("SELECT count(*) FROM sqlite_master"):
                with store._transaction() as transaction:
                    for statement in _TABLES.split(";"):
                        transaction.execute(statement)
                    store._set_meta(schema=SCHEMA, embedding_model=embedding_model, next_passage=1)
            store._check_schema()
            store._check_same("embedding_model", "embedding model", embedding_model)
            if dimension is not None:
                store.record_model(dimension)
            store._on_close = stack.pop_all()
        store._sweep()
        return store

    def close(self) -> None:
        """Closes the files; what was added and not yet written is dropped."""
        with self._lock:
            self._pending.clear()
            self._chroma = None
            self._vectors.close()
            if self._stemmer:
                self._stemmer.close()
                self._stemmer = None
            self._on_close.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- look up ---------------------------------------------------------------------------------------

    def cable(self, reference_id: str) -> Cable:
        """A cable, whole, equal to the one added. Case, spaces and leading zeros of the ID do not matter.

        Raises NotInIndex, with the nearest reference IDs there are.
        """
        for name in dict.fromkeys((reference_id, normalise_reference_id(reference_id), reference_id.strip().upper())):
            if name and (rows := self._all("SELECT * FROM cables WHERE reference_id = ?", name)):
                break
        else:
            raise NotInIndex(f"No cable {reference_id} in {self.folder}.{self._near(reference_id)}")
        name, sent, origin, classification, subject, tags, other, source, line, _ = rows[0]
        paragraphs = self._all(
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

    def paragraph(self, citation: Citation) -> Paragraph:
        """The paragraph that `citation` names (see `resolve`), or the cable's header fields."""
        return self._find(citation)[1]

    def resolve(self, citation: Citation) -> Citation:
        """`citation` as the index writes it.

        Case and white space do not matter, nor whether section and number are parted by a dot or a space
        (`II.D EQUIPMENT`); `header` may have any section; a section without a paragraph is its paragraph `0`.
        Raises NotInIndex, which names the paragraphs that the cable has.
        """
        return self._find(citation)[0]

    def _find(self, citation: Citation) -> tuple[Citation, Paragraph]:
        cable = self.cable(citation.reference_id)
        section, number, label = _fold(citation.section), _fold(citation.paragraph), _fold(citation.label)
        if number == HEADER:
            return cable.citation(cable.header), cable.header
        named = [(_fold(p.section), _fold(p.paragraph), p) for p in cable.paragraphs]
        found = [p for s, n, p in named if (s, n) == (section, number)]
        if not found and section and not number:
            found = [p for s, n, p in named if (s, n) == (section, BEFORE_FIRST)]
        if not found and label:
            found = [p for p in cable.paragraphs if _fold(cable.citation(p).label) == label]
        if not found:
            raise NotInIndex(
                f"{cable.reference_id} has no paragraph {citation.label or 'without a number'}. {_names(cable)}"
            )
        return cable.citation(found[0]), found[0]

    def cables(self) -> list[CableRow]:
        """All cables, newest first, those without a date last."""
        return self._cable_rows("", ())

    def reference_ids(self, where: Filter) -> list[str]:
        """The cables that `where` admits, in the order of `cables`."""
        condition, values = self._condition(where)
        return [row.reference_id for row in self._cable_rows(condition, values)]

    def _cable_rows(self, condition: str, values: Sequence[Any]) -> list[CableRow]:
        rows = self._all(
            f"SELECT reference_id, sent, origin, classification, subject, tags FROM cables c {condition}"
            " ORDER BY sent IS NULL, sent DESC, reference_id",
            *values,
        )
        return [
            CableRow(name, _when(sent), origin, classification, subject, tuple(json.loads(tags)))
            for name, sent, origin, classification, subject, tags in rows
        ]

    def counts(self) -> dict[str, Any]:
        """`cables`, `paragraphs` (headers not counted) and `passages`, and what is recorded of the index.

        `built`: when a run last finished and had changed something, ISO 8601 in UTC, or None; `embedding_model`: the
        model's identity; `embedding_source`: what `index.embed.Embedder` was given to load it, empty for the default;
        `dimension`: of its vectors, None before the first passage.
        """
        found: dict[str, Any] = {
            name: self._one(f"SELECT count(*) FROM {name}") for name in ("cables", "paragraphs", "passages")
        }
        for name in ("built", "embedding_model", "embedding_source", "dimension"):
            found[name] = self._meta(name)
        return found

    # --- search ----------------------------------------------------------------------------------------

    def lexical(
        self, query: str, k: int, where: Filter | None = None, weights: tuple[float, float, float] = (1.0, 0.5, 0.5)
    ) -> list[tuple[int, float]]:
        """The `k` passages that match any word of `query` best: (id, BM25 score), higher is better, never negative.

        Words are stemmed (Porter); `2,871` must stand there whole. `weights` are those of the passage's text, its
        heading and its cable's subject. Any string is a query; one without words finds nothing.
        """
        terms = dict.fromkeys(_TERM.findall(query.casefold()))
        if not terms or k < 1:
            return []
        sql, values = "SELECT rowid, bm25(words, ?, ?, ?) AS cost FROM words WHERE words MATCH ?", [*weights]
        condition, restricting = self._condition(where)
        if condition:
            # The plus keeps SQLite from running the match once for each id: on 30,000 passages 0.03 s instead of 49 s.
            sql += f" AND +rowid IN (SELECT s.id FROM passages s JOIN cables c USING (reference_id) {condition})"
        match = " OR ".join(f'"{term}"' for term in terms)
        return [
            (i, max(0.0, -cost))
            for i, cost in self._all(f"{sql} ORDER BY cost, rowid LIMIT ?", *values, match, *restricting, k)
        ]

    def dense(self, vector: NDArray[np.float32], k: int, where: Filter | None = None) -> list[tuple[int, float]]:
        """The `k` passages nearest to `vector` (dimension,): (id, cosine similarity in -1..1), highest first.

        They are fewer where there are fewer, or while another process replaces them faster than they can be read.
        """
        if k < 1:
            return []
        for _ in range(3):
            found, there = self._nearest(vector, k, where)
            if found is not None and len(found) >= min(k, there):
                return found
            if not self._written_since():
                break  # else another process writes, and Chroma as it was opened is behind SQLite or ahead of it
        else:
            return found or []
        if found is None:
            raise IndexMismatch(
                f"The vectors of the index in {self.folder} are not those of its passages. "
                f"Delete it and run `cable-qa index PATH --index {self.folder}`."
            )
        return found

    def passage_ids(self, reference_ids: Sequence[str]) -> list[int]:
        """The ids of all passages of these cables, ascending; a cable that the index has not gives none."""
        rows = self._all(
            f"SELECT id FROM passages WHERE reference_id {_IN} ORDER BY id", json.dumps(list(reference_ids))
        )
        return [i for (i,) in rows]

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """The passages with these ids; an id that the index has not is left out."""
        rows = self._all(
            "SELECT s.id, s.reference_id, p.section, p.paragraph, s.start, s.end, p.text, s.context"
            f" FROM passages s JOIN paragraphs p USING (reference_id, position) WHERE s.id {_IN}",
            json.dumps(list(ids)),
        )
        return {
            i: Passage(Citation(name, section, number), start, end, text[start:end], context)
            for i, name, section, number, start, end, text, context in rows
        }

    def token_vectors(self, ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """The token vectors (n, dimension) of these passages, float32 of length 1, restored from int8."""
        rows = self._all(f"SELECT passage_id, vectors FROM tokens WHERE passage_id {_IN}", json.dumps(list(ids)))
        return {i: dequantise(blob, int(self._meta("dimension"))) for i, blob in rows}

    def token_spans(self, ids: Sequence[int]) -> dict[int, NDArray[np.int32]]:
        """The characters (n, 2), int32, of each token vector in its passage's text."""
        rows = self._all(f"SELECT passage_id, spans FROM tokens WHERE passage_id {_IN}", json.dumps(list(ids)))
        return {i: np.frombuffer(blob, "<i4").reshape(-1, 2).astype(np.int32) for i, blob in rows}

    def document_frequency(self, words: Sequence[str]) -> list[int]:
        """In how many passages' texts each word occurs, stemmed as the full-text index stems, in the order of `words`.

        For a word of several terms (`counter-narcotics`) that of its rarest; 0 for one that has none.
        """
        terms = self._stems(words)
        asked = sorted({term for each in terms for term in each})
        with self._lock:
            self._connection.execute(
                "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, words, col)"
            )
            rows = self._all(f"SELECT term, doc FROM vocabulary WHERE col = 'text' AND term {_IN}", json.dumps(asked))
        frequency = dict(rows)
        return [min((frequency.get(term, 0) for term in each), default=0) for each in terms]

    # --- write -----------------------------------------------------------------------------------------

    def known(self) -> dict[str, tuple[str, str, int]]:
        """Of each cable's reference ID: content hash, source and line."""
        rows = self._all("SELECT reference_id, content_hash, source, line FROM cables")
        return {name: (content_hash, source, line) for name, content_hash, source, line in rows}

    def record_model(self, dimension: int, source: str = "") -> None:
        """Records the dimension of the model's vectors and what loads it. Raises IndexMismatch at another dimension."""
        if self._meta("dimension") is not None:
            self._check_same("dimension", "embeddings of dimension", dimension)
        with self._transaction():
            self._set_meta(dimension=dimension, embedding_source=source)

    def add(self, cable: Cable, content_hash: str, passages: Sequence[Passage], encoded: Sequence[Encoded]) -> None:
        """Adds a cable, in place of the one with its reference ID if there is one. Written with the next `flush`."""
        tokens = tuple((quantise(e.tokens), e.spans.astype("<i4").tobytes()) for e in encoded)
        vectors = tuple(e.vector for e in encoded)
        if vectors and self._meta("dimension") is None:
            self.record_model(len(vectors[0]))
        if len(vectors) != len(passages):
            raise ValueError(f"{len(passages)} passages but {len(vectors)} encoded")
        self._pending[cable.reference_id] = _Addition(cable, content_hash, tuple(passages), vectors, tokens)
        if sum(1 + len(each.passages) for each in self._pending.values()) >= _BATCH:
            self.flush()

    def relocate(self, reference_id: str, source: str, line: int) -> None:
        """Records where an unchanged cable stands now."""
        with self._transaction() as transaction:
            transaction.execute(
                "UPDATE cables SET source = ?, line = ? WHERE reference_id = ?", (source, line, reference_id)
            )

    def remove(self, reference_id: str) -> None:
        """Removes a cable with all that is its own; nothing where there is none."""
        self.flush()
        with self._transaction() as transaction:
            self._delete(transaction, reference_id)

    def finish(self) -> None:
        """Writes what is left, and records that the index is whole and when that was."""
        self.flush()
        self._sweep()
        with self._transaction():
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._set_meta(built=now, revision=int(self._meta("revision") or 0) + 1)
        self._all("PRAGMA wal_checkpoint(PASSIVE)")

    def flush(self) -> None:
        """Writes what was added; done by itself every 128 passages."""
        additions = list(self._pending.values())
        if not additions:
            return
        total = sum(len(each.passages) for each in additions)
        with self._transaction() as transaction:
            first = int(self._meta("next_passage"))
            self._set_meta(next_passage=first + total)
            transaction.executemany("INSERT INTO orphans VALUES (?)", ((i,) for i in range(first, first + total)))
        vectors = [vector for each in additions for vector in each.vectors]
        for at in range(0, total, _SLICE):
            part = np.stack(vectors[at : at + _SLICE])
            self._collection().upsert(ids=[str(first + at + i) for i in range(len(part))], embeddings=part)
        with self._transaction() as transaction:
            i = first
            for each in additions:
                self._delete(transaction, each.cable.reference_id)
                self._insert(transaction, each, i)
                i += len(each.passages)
            transaction.execute("DELETE FROM orphans WHERE passage_id BETWEEN ? AND ?", (first, first + total - 1))
        self._pending.clear()
        self._sweep()

    def _insert(self, transaction: sqlite3.Connection, addition: _Addition, first: int) -> None:
        cable = addition.cable
        sent = cable.sent.astimezone(UTC).isoformat() if cable.sent else None
        other = {name: getattr(cable, name) for name in _OTHER}
        transaction.execute(
            "INSERT INTO cables VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (cable.reference_id, sent, cable.origin, cable.classification, cable.subject, json.dumps(cable.tags),
             json.dumps(other), cable.source, cable.line, addition.content_hash),
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
                for n, p in enumerate(addition.passages)
            ),
        )
        transaction.executemany(
            "INSERT INTO tokens VALUES (?, ?, ?)", ((first + n, *t) for n, t in enumerate(addition.tokens))
        )
        transaction.execute(
            f"INSERT INTO words (rowid, text, heading, subject) {_WORDS_OF} WHERE s.reference_id = ?",
            (cable.reference_id,),
        )

    def _delete(self, transaction: sqlite3.Connection, reference_id: str) -> None:
        transaction.execute(
            "INSERT INTO words (words, rowid, text, heading, subject) SELECT 'delete', w.* FROM"
            f" ({_WORDS_OF} WHERE s.reference_id = ?) w",
            (reference_id,),
        )
        ids = "SELECT id FROM passages WHERE reference_id = ?"
        transaction.execute(f"INSERT INTO orphans {ids}", (reference_id,))
        transaction.execute(f"DELETE FROM tokens WHERE passage_id IN ({ids})", (reference_id,))
        for table in ("passages", "paragraphs", "cables"):
            transaction.execute(f"DELETE FROM {table} WHERE reference_id = ?", (reference_id,))

    def _sweep(self) -> None:
        """Takes out of Chroma what SQLite has no rows for."""
        while ids := [i for (i,) in self._all("SELECT passage_id FROM orphans LIMIT ?", _SLICE)]:
            self._collection().delete(ids=[str(i) for i in ids])
            with self._transaction() as transaction:
                transaction.execute(f"DELETE FROM orphans WHERE passage_id {_IN}", (json.dumps(ids),))

    # --- SQLite ----------------------------------------------------------------------------------------

    def _all(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def _one(self, sql: str, *values: Any) -> Any:
        return self._all(sql, *values)[0][0]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _meta(self, name: str) -> Any:
        rows = self._all("SELECT value FROM meta WHERE name = ?", name)
        return rows[0][0] if rows else None

    def _set_meta(self, **values: Any) -> None:
        self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def _check_schema(self) -> None:
        if not self._one("SELECT count(*) FROM sqlite_master WHERE name = 'meta'") or self._meta("schema") != SCHEMA:
            raise IndexMismatch(
                f"The index in {self.folder} is not of this version's format {SCHEMA}. "
                f"Delete the folder and run `cable-qa index PATH --index {self.folder}`."
            )

    def _check_same(self, name: str, what: str, asked: str | int) -> None:
        if (recorded := self._meta(name)) != asked:
            raise IndexMismatch(
                f"The index in {self.folder} was made with {what} {recorded}, not {asked}. "
                "Name another folder with --index, or delete this one to make it anew."
            )

    def _near(self, reference_id: str) -> str:
        asked = normalise_reference_id(reference_id) or reference_id.strip().upper()
        rows = self._all(
            "SELECT reference_id FROM cables ORDER BY substr(reference_id, 1, 4) <> substr(?, 1, 4), reference_id LIMIT 5000",
            asked.encode("utf-8", "replace").decode(),
        )
        near = get_close_matches(asked, [name for (name,) in rows], n=3, cutoff=0.8)
        return f" The nearest there are: {', '.join(near)}." if near else ""

    def _condition(self, where: Filter | None) -> tuple[str, list[Any]]:
        """A WHERE clause on `cables c`, empty where all are admitted, and its values."""
        parts: list[str] = []
        values: list[Any] = []
        if where and where.origin:
            asked = where.origin.casefold()
            origins = [origin for (origin,) in self._all("SELECT DISTINCT origin FROM cables")]
            whole = [origin for origin in origins if origin.casefold() == asked]
            parts.append(f"c.origin {_IN}")
            values.append(json.dumps(whole or [origin for origin in origins if asked in origin.casefold()]))
        if where and where.classification:
            parts.append("lower(c.classification) = lower(?)")
            values.append(where.classification)
        if where and where.tag:
            parts.append("EXISTS (SELECT 1 FROM json_each(c.tags) WHERE upper(value) = upper(?))")
            values.append(where.tag)
        for comparison, day in ((">=", where and where.sent_from), ("<=", where and where.sent_to)):
            if day:
                parts.append(f"substr(c.sent, 1, 10) {comparison} ?")
                values.append(f"{day:%Y-%m-%d}")
        if where and where.cables:
            parts.append(f"c.reference_id {_IN}")
            names = (name for each in where.cables for name in (each, each.upper(), normalise_reference_id(each)))
            values.append(json.dumps([name for name in names if name]))
        return ("WHERE " + " AND ".join(parts) if parts else ""), values

    def _stems(self, words: Sequence[str]) -> list[set[str]]:
        """The terms that the full-text index makes of each word."""
        with self._lock:
            if not self._stemmer:
                self._stemmer = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
                self._stemmer.execute(f"CREATE VIRTUAL TABLE words USING fts5(word, {_TOKENIZER})")
                self._stemmer.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(words, instance)")
            clean = ((n, word.encode("utf-8", "replace").decode()) for n, word in enumerate(words))
            self._stemmer.executemany("INSERT INTO words (rowid, word) VALUES (?, ?)", clean)
            rows = self._stemmer.execute("SELECT doc, term FROM terms").fetchall()
            self._stemmer.execute("DELETE FROM words")
        found: list[set[str]] = [set() for _ in words]
        for n, term in rows:
            found[n].add(term)
        return found

    # --- Chroma ----------------------------------------------------------------------------------------

    def _collection(self) -> Any:
        """The passages' vectors. Call it with the lock held.

        Chroma reads its index once, when opened, and does not see what another process writes: so it is opened
        anew when a run has finished since.
        """
        revision = self._meta("revision")
        if self._chroma is None or (self._revision != revision and not self._writable):
            self._opened_at = self._one("PRAGMA data_version")
            self._chroma, self._revision = self._open_chroma(), revision
        return self._chroma

    def _written_since(self) -> bool:
        """Whether another process has written since Chroma was opened; if so, it will be opened anew."""
        with self._lock:
            written = bool(self._one("PRAGMA data_version") != self._opened_at)
            if written:
                self._chroma = None
            return written

    def _open_chroma(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        self._vectors.close()
        folder = self.folder.resolve() / "vectors"
        if not self._writable:
            if not (folder / "chroma.sqlite3").is_file():
                raise IndexMissing(
                    f"The vectors of the index in {self.folder} are gone. "
                    f"Delete it and run `cable-qa index PATH --index {self.folder}`."
                )
            if not all(os.access(path, os.W_OK) for path in (folder, folder / "chroma.sqlite3")):
                copy = Path(self._vectors.enter_context(tempfile.TemporaryDirectory(prefix="cable-qa-")))
                _copy(folder, copy)
                folder = copy
        client: Any = chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))
        self._vectors.callback(client.close)
        if not self._writable:
            return client.get_collection("passages", embedding_function=None)
        return client.get_or_create_collection(
            "passages", embedding_function=None, configuration={"hnsw": {"space": "cosine", "ef_search": 200}}
        )

    def _nearest(
        self, vector: NDArray[np.float32], k: int, where: Filter | None
    ) -> tuple[list[tuple[int, float]] | None, int]:
        """At most `k` nearest, and how many passages `where` admits.

        The nearest are fewer, or None, where Chroma does not know what SQLite knows.
        """
        from chromadb.errors import ChromaError

        condition, values = self._condition(where)
        admitted = f"FROM passages s JOIN cables c USING (reference_id) {condition}"
        with self._lock:
            if not self._one(f"SELECT EXISTS (SELECT 1 {admitted})", *values):
                return [], 0
            try:
                collection = self._collection()  # first, since it may take long: then what SQLite knows at that moment
                ids = [str(i) for (i,) in self._all(f"SELECT s.id {admitted}", *values)] if condition else None
                if ids == []:
                    return [], 0
                there = len(ids) if ids is not None else int(self._one("SELECT count(*) FROM passages"))
                extra = int(self._one("SELECT count(*) FROM orphans"))  # a writer's: they are dropped below
                rows = collection.query(query_embeddings=[vector], n_results=k + extra, ids=ids, include=["distances"])
            except ChromaError:
                return None, 0
        near = {
            int(i): float(np.clip(1.0 - distance, -1.0, 1.0))
            for i, distance in zip(rows["ids"][0], rows["distances"][0], strict=True)
        }
        known = {i for (i,) in self._all(f"SELECT id FROM passages WHERE id {_IN}", json.dumps(list(near)))}
        return [(i, similarity) for i, similarity in near.items() if i in known][:k], there


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


def _connect(uri: str, stack: ExitStack) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=60, isolation_level=None, check_same_thread=False)
    stack.callback(connection.close)
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection


def _connect_to_read(database: Path, stack: ExitStack) -> sqlite3.Connection:
    """A connection that cannot write; in a read-only folder, where SQLite cannot share its log, to the file alone."""
    uri = f"{database.resolve().as_uri()}?mode=ro"
    connection = _connect(uri, stack)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection = _connect(f"{uri}&immutable=1", stack)
    return connection


def _lock_for_writing(folder: Path, stack: ExitStack) -> None:
    """Held until the stack is closed or the process ends, however it ends."""
    lock = sqlite3.connect(folder / "writing.sqlite", timeout=0, isolation_level=None, check_same_thread=False)
    stack.callback(lock.close)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise InputError(f"Another run is writing to the index in {folder}. Wait for it to finish.") from None
        raise


def _copy(folder: Path, target: Path) -> None:
    """Copies the files of `folder`, not their permissions."""
    for file in folder.rglob("*"):
        if file.is_file():
            to = target / file.relative_to(folder)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise IndexMismatch(
            f"The index in {folder} cannot be used: {error}. Delete it, or name another folder with --index."
        ) from error


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


def _fold(name: str | None) -> str:
    return re.sub(r"[.\s]+", ".", name or "").strip(".").casefold()


def _names(cable: Cable) -> str:
    """`It has 0-12, II.A.1-4 and header.`"""
    runs: list[tuple[str | None, str, str]] = []
    for p in cable.paragraphs:
        number = p.paragraph or ""
        if (
            runs
            and runs[-1][0] == p.section
            and number.isdigit()
            and runs[-1][2].isdigit()
            and int(number) == int(runs[-1][2]) + 1
        ):
            runs[-1] = (p.section, runs[-1][1], number)
        else:
            runs.append((p.section, number, number))
    labels = [
        f"{Citation('', s, a).label}{'-' + b if a != b else ''}" or "one paragraph without a number" for s, a, b in runs
    ]
    return f"It has {', '.join(labels[:20])}{', ...' if len(labels) > 20 else ''}{' and ' if labels else ''}header."
