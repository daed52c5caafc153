"""The SQLite file of an index folder: its tables, its connection, who may write, what is recorded of the index.

Flows in: the folder; statements and their values. Flows out: rows, and the values of `meta`. What is wrong with
the file is raised as IndexMissing, IndexMismatch or InputError. It does not know how a Cable becomes rows, nor
where the vectors of passages are.

    DIR/cables.sqlite   meta, cables, paragraphs, passages, tokens, orphans; words: the full-text index
    DIR/writing.sqlite  empty; locked while a run writes
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from index.errors import IndexMismatch, IndexMissing, InputError

SCHEMA = 1
TOKENIZER = "tokenize='porter unicode61'"
IN_LIST = "IN (SELECT value FROM json_each(?))"  # its value: a list as JSON
_FILE = "cables.sqlite"
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
CREATE VIRTUAL TABLE words USING fts5(text, heading, subject, content='', {TOKENIZER});
"""


class Database:
    """cables.sqlite, opened by `Database.open` (to read) or `Database.create` (to write).

    One connection serves any number of threads; who needs several statements to see the same holds `lock`.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, on_close: ExitStack, writable: bool) -> None:
        self.folder = folder
        self.writable = writable
        self.lock = threading.RLock()
        self._connection = connection
        self._on_close = on_close

    @classmethod
    def open(cls, folder: Path) -> Database:
        """See `Store.open`."""
        with ExitStack() as stack, _readable(folder):
            if not (folder / _FILE).is_file():
                raise IndexMissing(f"No index in {folder}. Run `cable-qa index PATH --index {folder}`.")
            database = cls(folder, _connect_to_read(folder / _FILE, stack), stack, writable=False)
            tables = database.one("SELECT count(*) FROM sqlite_master")
            if tables:
                database._check_schema()
            if not tables or not database.meta("built"):
                raise IndexMissing(
                    f"The index in {folder} was never finished. Run `cable-qa index PATH --index {folder}` again."
                )
            database._on_close = stack.pop_all()
        return database

    @classmethod
    def create(cls, folder: Path, embedding_model: str, dimension: int | None) -> Database:
        """See `Store.create`."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"The index folder {folder} cannot be made: {error.strerror}.") from None
        with ExitStack() as stack, _readable(folder):
            _lock_for_writing(folder, stack)
            connection = _connect(f"{(folder / _FILE).resolve().as_uri()}?mode=rwc", stack)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            database = cls(folder, connection, stack, writable=True)
            if not database.one("SELECT count(*) FROM sqlite_master"):
                with database.transaction() as transaction:
                    for statement in _TABLES.split(";"):
                        transaction.execute(statement)
                    database.set_meta(schema=SCHEMA, embedding_model=embedding_model, next_passage=1)
            database._check_schema()
            database._check_same("embedding_model", "embedding model", embedding_model)
            if dimension is not None:
                database.record_model(dimension, "")
            database._on_close = stack.pop_all()
        return database

    def close(self) -> None:
        self._on_close.close()

    # --- statements ------------------------------------------------------------------------------------

    def all(self, sql: str, *values: Any) -> list[Any]:
        with self.lock, _readable(self.folder):
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> Any:
        """The first value of the first row."""
        return self.all(sql, *values)[0][0]

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Holds the lock; what was written is undone where an exception leaves it."""
        with self.lock, _readable(self.folder):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    # --- what is recorded of the index -----------------------------------------------------------------

    def meta(self, name: str) -> Any:
        """The value recorded under `name`, or None."""
        rows = self.all("SELECT value FROM meta WHERE name = ?", name)
        return rows[0][0] if rows else None

    def set_meta(self, **values: Any) -> None:
        """Call it in a transaction."""
        self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def record_model(self, dimension: int, source: str) -> None:
        """See `Store.record_model`."""
        if self.meta("dimension") is not None:
            self._check_same("dimension", "embeddings of dimension", dimension)
        with self.transaction():
            self.set_meta(dimension=dimension, embedding_source=source)

    def record_finished(self) -> None:
        """Records that the index is whole, when that was, and that there is a new revision of it."""
        with self.transaction():
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self.set_meta(built=now, revision=int(self.meta("revision") or 0) + 1)
        self.all("PRAGMA wal_checkpoint(PASSIVE)")

    def _check_schema(self) -> None:
        if not self.one("SELECT count(*) FROM sqlite_master WHERE name = 'meta'") or self.meta("schema") != SCHEMA:
            raise IndexMismatch(
                f"The index in {self.folder} is not of this version's format {SCHEMA}. "
                f"Delete the folder and run `cable-qa index PATH --index {self.folder}`."
            )

    def _check_same(self, name: str, what: str, asked: str | int) -> None:
        if (recorded := self.meta(name)) != asked:
            raise IndexMismatch(
                f"The index in {self.folder} was made with {what} {recorded}, not {asked}. "
                "Name another folder with --index, or delete this one to make it anew."
            )


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


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """What SQLite or the file system refuses becomes IndexMismatch."""
    try:
        yield
    except sqlite3.ProgrammingError:  # a fault of ours
        raise
    except (sqlite3.Error, OSError) as error:
        damaged = type(error) is sqlite3.DatabaseError  # what stands in the way of a whole file is an OperationalError
        mend = "Delete it" if damaged else "See to its rights and the disk"
        said = (isinstance(error, OSError) and error.strerror) or error
        raise IndexMismatch(
            f"The index in {folder} cannot be used: {said}. {mend}, or name another folder with --index."
        ) from error
