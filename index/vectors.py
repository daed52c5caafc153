"""The passages' vectors in Chroma, kept in step with SQLite.

Flows in: vectors with their passage ids; a vector to search with. Flows out: passage ids with their similarity.
The only module that imports chromadb, and only when vectors are first needed: `show` never does. It does not know
what embeds a passage, nor what else is stored of it than its id.

    DIR/vectors/        Chroma: one collection, its ids are passage ids

Chroma and SQLite cannot be written in one transaction. SQLite says what there is: an id that it has no row for is
found by no search, and one among its `orphans` is swept out of Chroma by the run that next comes to it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.database import IN_LIST, Database
from index.errors import CableQAError, IndexMismatch, IndexMissing
from index.filter import Filter, condition

_SLICE = 1000  # ids in one call to Chroma


class Vectors:
    """The vectors that belong to one database; Chroma is opened when they are first needed.

    Chroma needs a writable folder: what is in a read-only one is copied to a temporary folder.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._on_close = ExitStack()
        self._opened: Any = None
        self._revision: Any = None
        self._data_version: Any = None

    def close(self) -> None:
        self._opened = None
        self._on_close.close()

    def search(self, vector: NDArray[np.float32], k: int, where: Filter | None) -> list[tuple[int, float]]:
        """See `Store.dense`."""
        if k < 1:
            return []
        found: list[tuple[int, float]] | None = None
        for attempt in range(3):
            found, there = self._nearest(vector, k, where)
            if found is not None and len(found) >= min(k, there):
                return found
            if self._written_since():
                continue  # Chroma as it was opened is behind SQLite or ahead of it
            if found is not None:
                return found
            self._opened = None  # it may have been opened while another process was writing to Chroma alone
            time.sleep(0.1 * (attempt + 1))
        if found is None and not self._written_since():
            folder = self._database.folder
            raise IndexMismatch(
                f"The vectors of the index in {folder} cannot be read, or are not those of its passages. "
                f"Delete it and run `cable-qa index PATH --index {folder}`."
            )
        return found or []

    def add(self, first: int, vectors: Sequence[NDArray[np.float32]]) -> None:
        """Adds vectors under the ids from `first`, which are among the orphans until their rows are written."""
        for at in range(0, len(vectors), _SLICE):
            part = np.stack(vectors[at : at + _SLICE])
            with self._writing():
                self.collection().upsert(ids=[str(first + at + i) for i in range(len(part))], embeddings=part)

    def sweep(self) -> None:
        """Takes out of Chroma what SQLite has no rows for."""
        while ids := [i for (i,) in self._database.all("SELECT passage_id FROM orphans LIMIT ?", _SLICE)]:
            with self._writing():
                self.collection().delete(ids=[str(i) for i in ids])
            with self._database.transaction() as transaction:
                transaction.execute(f"DELETE FROM orphans WHERE passage_id {IN_LIST}", (json.dumps(ids),))

    def collection(self) -> Any:
        """Chroma's collection. Call it with the database's lock held.

        Chroma reads its index once, when opened, and does not see what another process writes: so it is opened
        anew when a run has finished since.
        """
        revision = self._database.meta("revision")
        if self._opened is None or (self._revision != revision and not self._database.writable):
            self._data_version = self._database.one("PRAGMA data_version")
            self._opened, self._revision = self._open(), revision
        return self._opened

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Whatever Chroma raises at a damaged file or a full disk becomes IndexMismatch."""
        try:
            yield
        except CableQAError:
            raise
        except Exception as error:
            folder, said = self._database.folder, " ".join(str(error).split())
            raise IndexMismatch(
                f"The vectors of the index in {folder} cannot be written: {said}. "
                f"See to the disk, or delete it and run `cable-qa index PATH --index {folder}`."
            ) from error

    def _written_since(self) -> bool:
        """Whether another process has written since Chroma was opened; if so, it will be opened anew."""
        with self._database.lock:
            written = bool(self._database.one("PRAGMA data_version") != self._data_version)
            if written:
                self._opened = None
            return written

    def _open(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        self._on_close.close()
        folder = self._database.folder.resolve() / "vectors"
        if not self._database.writable:
            if not (folder / "chroma.sqlite3").is_file():
                raise IndexMissing(
                    f"The vectors of the index in {self._database.folder} are gone. "
                    f"Delete it and run `cable-qa index PATH --index {self._database.folder}`."
                )
            if not all(os.access(path, os.W_OK) for path in (folder, folder / "chroma.sqlite3")):
                copy = Path(self._on_close.enter_context(tempfile.TemporaryDirectory(prefix="cable-qa-")))
                _copy(folder, copy)
                folder = copy
        client: Any = chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))
        self._on_close.callback(client.close)
        if not self._database.writable:
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
        database = self._database
        restriction, values = condition(database, where)
        admitted = f"FROM passages s JOIN cables c USING (reference_id) {restriction}"
        with database.lock:
            if not database.one(f"SELECT EXISTS (SELECT 1 {admitted})", *values):
                return [], 0
            try:
                collection = self.collection()  # first, since it may take long: then what SQLite knows at that moment
                ids = [str(i) for (i,) in database.all(f"SELECT s.id {admitted}", *values)] if restriction else None
                if ids == []:
                    return [], 0
                there = len(ids) if ids is not None else int(database.one("SELECT count(*) FROM passages"))
                extra = int(database.one("SELECT count(*) FROM orphans"))  # a writer's: they are dropped below
                rows = collection.query(query_embeddings=[vector], n_results=k + extra, ids=ids, include=["distances"])
            except CableQAError:
                raise
            except PermissionError as error:
                raise IndexMismatch(f"{error.filename} cannot be read: {error.strerror}. See to its rights.") from None
            except Exception:  # of many kinds, where a file is damaged
                return None, 0
        near = {
            int(i): float(np.clip(1.0 - distance, -1.0, 1.0))
            for i, distance in zip(rows["ids"][0], rows["distances"][0], strict=True)
        }
        known = {i for (i,) in database.all(f"SELECT id FROM passages WHERE id {IN_LIST}", json.dumps(list(near)))}
        return [(i, similarity) for i, similarity in near.items() if i in known][:k], there


def _copy(folder: Path, target: Path) -> None:
    """Copies the files of `folder`, not their permissions."""
    for file in folder.rglob("*"):
        if file.is_file():
            to = target / file.relative_to(folder)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)
