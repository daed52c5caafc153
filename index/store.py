"""The index folder, through one class: SQLite for cables, full text and token vectors, Chroma for passage vectors.

Flows in: Cables with their encoded passages; queries. Flows out: Cables, Paragraphs, Passages, ranked passage
ids. What it is made of: `database` (the SQLite file), `rows` (what is in it), `words` (full text), `vectors`
(Chroma). It does not know how a cable is parsed or a passage embedded, nor how rankings are fused.

A passage has one id everywhere, and no id is used twice. Ids are recorded as `orphans` before their vectors go
to Chroma, and cease to be in the transaction that adds their rows: what a killed run leaves in Chroma is known,
found by no search, and swept out by the next run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from index import rows
from index.address import find_paragraph
from index.cable import Cable, Citation, Paragraph, normalise_reference_id
from index.database import Database
from index.embed import Encoded
from index.errors import NotInIndex
from index.filter import Filter
from index.passage import Passage
from index.rows import CableRow
from index.vectors import Vectors
from index.words import Words

__all__ = ["CableRow", "Filter", "Store"]

_BATCH = 128  # passages that are written together


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

    def __init__(self, database: Database) -> None:
        self.folder = database.folder
        self._database = database
        self._words = Words(database)
        self._vectors = Vectors(database)
        self._pending: dict[str, _Addition] = {}

    @classmethod
    def open(cls, folder: Path) -> Store:
        """The finished index in `folder`, to read.

        Raises IndexMissing where there is none or it was never finished, and IndexMismatch where another
        version made it or it cannot be read.
        """
        return cls(Database.open(Path(folder)))

    @classmethod
    def create(cls, folder: Path, embedding_model: str, dimension: int | None = None) -> Store:
        """The index in `folder`, to write; made, with its folder, where there is none.

        `embedding_model` is the model's identity (`index.embed.identity_of`). Raises IndexMismatch where the index
        was made with another model, dimension or version, and InputError where another process is writing to it.
        """
        store = cls(Database.create(Path(folder), embedding_model, dimension))
        store._vectors.sweep()
        return store

    def close(self) -> None:
        """Closes the files; what was added and not yet written is dropped."""
        with self._database.lock:
            self._pending.clear()
            self._vectors.close()
            self._words.close()
            self._database.close()

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
            if name and (found := rows.cable(self._database, name)):
                return found
        near = rows.nearest_names(self._database, reference_id)
        hint = f" The nearest there are: {', '.join(near)}." if near else ""
        raise NotInIndex(f"No cable {reference_id} in {self.folder}.{hint}")

    def paragraph(self, citation: Citation) -> Paragraph:
        """The paragraph that `citation` names (see `resolve`), or the cable's header fields."""
        return find_paragraph(self.cable(citation.reference_id), citation)

    def has(self, citation: Citation) -> bool:
        """Whether the index has the paragraph that `citation` names."""
        try:
            self.paragraph(citation)
        except NotInIndex:
            return False
        return True

    def resolve(self, citation: Citation) -> Citation:
        """`citation` as the index writes it.

        Case and white space do not matter, nor whether section and number are parted by a dot or a space
        (`II.D EQUIPMENT`); `header` may have any section; a section without a paragraph is its paragraph `0`.
        Raises NotInIndex, which names the paragraphs that the cable has.
        """
        cable = self.cable(citation.reference_id)
        return cable.citation(find_paragraph(cable, citation))

    def cables(self, where: Filter | None = None) -> list[CableRow]:
        """The cables that `where` admits, newest first, those without a date last."""
        return rows.cable_rows(self._database, where)

    def corrections(self, reference_ids: Sequence[str]) -> list[tuple[str, str]]:
        """Of these cables that a later one may correct: both reference IDs, the latest first. One may that refers to them, and has a word
        like `correction` in its subject."""
        return rows.corrections(self._database, reference_ids)

    def reference_ids(self, where: Filter) -> list[str]:
        """The cables that `where` admits, in the order of `cables`."""
        return [row.reference_id for row in rows.cable_rows(self._database, where)]

    def counts(self) -> dict[str, Any]:
        """`cables`, `paragraphs` (headers not counted) and `passages`, and what is recorded of the index.

        `built`: when a run last finished and had changed something, ISO 8601 in UTC, or None; `embedding_model`: the
        model's identity; `embedding_source`: what `index.embed.Embedder` was given to load it, empty for the default;
        `dimension`: of its vectors, None before the first passage.
        """
        found: dict[str, Any] = {
            name: self._database.one(f"SELECT count(*) FROM {name}") for name in ("cables", "paragraphs", "passages")
        }
        for name in ("built", "embedding_model", "embedding_source", "dimension"):
            found[name] = self._database.meta(name)
        return found

    # --- search ----------------------------------------------------------------------------------------

    def lexical(
        self, query: str, k: int, where: Filter | None = None, weights: tuple[float, float, float] = (1.0, 0.5, 0.5)
    ) -> list[tuple[int, float]]:
        """The `k` passages that match any word of `query` best: (id, BM25 score), higher is better, never negative.

        Words are stemmed (Porter); `2,871` must stand there whole. `weights` are those of the passage's text, its
        heading and its cable's subject. Any string is a query; one without words finds nothing.
        """
        return self._words.search(query, k, where, weights)

    def dense(self, vector: NDArray[np.float32], k: int, where: Filter | None = None) -> list[tuple[int, float]]:
        """The `k` passages nearest to `vector` (dimension,): (id, cosine similarity in -1..1), highest first.

        They are fewer where there are fewer, or while another process replaces them faster than they can be read.
        """
        return self._vectors.search(vector, k, where)

    def passage_ids(self, reference_ids: Sequence[str]) -> list[int]:
        """The ids of all passages of these cables, ascending; a cable that the index has not gives none."""
        return rows.passage_ids(self._database, reference_ids)

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """The passages with these ids; an id that the index has not is left out."""
        return rows.passages(self._database, ids)

    def citations(self, ids: Sequence[int]) -> dict[int, Citation]:
        """The paragraphs that the passages with these ids are of; an id that the index has not is left out."""
        return rows.citations(self._database, ids)

    def token_vectors(self, ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """The token vectors (n, dimension) of these passages, float32 of length 1, restored from int8."""
        return rows.token_vectors(self._database, ids)

    def token_spans(self, ids: Sequence[int]) -> dict[int, NDArray[np.int32]]:
        """The characters (n, 2), int32, of each token vector in its passage's text."""
        return rows.token_spans(self._database, ids)

    def document_frequency(self, words: Sequence[str]) -> list[int]:
        """In how many passages' texts each word occurs, stemmed as the full-text index stems, in the order of `words`.

        For a word of several terms (`counter-narcotics`) that of its rarest; 0 for one that has none.
        """
        return self._words.document_frequency(words)

    # --- write -----------------------------------------------------------------------------------------

    def known(self) -> dict[str, tuple[str, str, int]]:
        """Of each cable's reference ID: content hash, source and line."""
        return rows.known(self._database)

    def record_model(self, dimension: int, source: str = "") -> None:
        """Records the dimension of the model's vectors and what loads it. Raises IndexMismatch at another dimension."""
        self._database.record_model(dimension, source)

    def add(self, cable: Cable, content_hash: str, passages: Sequence[Passage], encoded: Sequence[Encoded]) -> None:
        """Adds a cable, in place of the one with its reference ID if there is one. Written with the next `flush`."""
        tokens = tuple(rows.stored_tokens(e) for e in encoded)
        vectors = tuple(e.vector for e in encoded)
        if vectors and self._database.meta("dimension") is None:
            self.record_model(len(vectors[0]))
        if len(vectors) != len(passages):
            raise ValueError(f"{len(passages)} passages but {len(vectors)} encoded")
        self._pending[cable.reference_id] = _Addition(cable, content_hash, tuple(passages), vectors, tokens)
        if sum(1 + len(each.passages) for each in self._pending.values()) >= _BATCH:
            self.flush()

    def relocate(self, reference_id: str, source: str, line: int) -> None:
        """Records where an unchanged cable stands now."""
        with self._database.transaction() as transaction:
            rows.relocate(transaction, reference_id, source, line)

    def remove(self, reference_id: str) -> None:
        """Removes a cable with all that is its own; nothing where there is none."""
        self.flush()
        with self._database.transaction() as transaction:
            rows.delete(transaction, reference_id)

    def finish(self) -> None:
        """Writes what is left, and records that the index is whole and when that was."""
        self.flush()
        self._vectors.sweep()
        self._database.record_finished()

    def flush(self) -> None:
        """Writes what was added; done by itself every 128 passages."""
        additions = list(self._pending.values())
        if not additions:
            return
        total = sum(len(each.passages) for each in additions)
        with self._database.transaction() as transaction:
            first = int(self._database.meta("next_passage"))
            self._database.set_meta(next_passage=first + total)
            transaction.executemany("INSERT INTO orphans VALUES (?)", ((i,) for i in range(first, first + total)))
        self._vectors.add(first, [vector for each in additions for vector in each.vectors])
        with self._database.transaction() as transaction:
            i = first
            for each in additions:
                rows.delete(transaction, each.cable.reference_id)
                rows.insert(transaction, each.cable, each.content_hash, each.passages, each.tokens, i)
                i += len(each.passages)
            transaction.execute("DELETE FROM orphans WHERE passage_id BETWEEN ? AND ?", (first, first + total - 1))
        self._pending.clear()
        self._vectors.sweep()
