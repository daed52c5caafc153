"""From a question to the paragraphs that may answer it, best first.

Flows in: a question. Flows out: candidate passages, and Hits. Three rankings are
fused: BM25, dense vectors, and token-level late interaction with the same embedding model. Does not decide
whether anything answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.cable import Citation
from index.embed import Embedder, Encoded
from index.passage import Passage
from index.store import Filter, Store
from qa.question import Question, sent_in
from qa.words import STOP_WORDS

CANDIDATES = 60  # passages taken from each of BM25 and dense before late interaction
WEIGHTS = (0.3, 0.3, 2.0)  # BM25, dense, late interaction; on z-scores
MONTH_BONUS = 2.0  # for a cable of the month that the question names
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Hit:
    """A paragraph and its score: higher is better, comparable within one question only."""

    citation: Citation
    score: float


@dataclass(frozen=True, slots=True)
class Query:
    """An encoded question: `tokens` float32 (n, dimension), `weights` float32 (n,), 0 for stop words."""

    text: str
    encoded: Encoded
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage with its scores; `score` is the fused one, `coverage` the late interaction in 0..1."""

    passage: Passage
    passage_id: int
    score: float
    coverage: float


def encode_query(text: str, store: Store, embedder: Embedder) -> Query:
    """The question's token vectors, each weighted by how rare its word is in the index (idf; stop words 0)."""
    encoded = embedder.encode_query(text)
    words = [(m.start(), m.end(), m[0]) for m in _WORD.finditer(text)]
    frequency = store.document_frequency([word for _, _, word in words])
    total = max(1, store.counts()["passages"])
    weights = np.zeros(len(encoded.spans), dtype=np.float32)
    for i, (start, end) in enumerate(encoded.spans):
        for (left, right, word), count in zip(words, frequency, strict=True):
            if left <= start and end <= right and word.lower() not in STOP_WORDS:
                weights[i] = np.log(1 + total / (1 + count)) * (end - start) / (right - left)
    if not weights.any():
        weights[:] = 1.0
    return Query(text, encoded, weights)


def late_interaction(query: Query, tokens: NDArray[np.float32]) -> float:
    """The weighted mean, over the query's tokens, of the best cosine among `tokens` (n, dimension); at most 1.

    0 where there are none. Source: ColBERT (Khattab and Zaharia, 2020, section 3.3), with idf weights.
    """
    if not len(tokens):
        return 0.0
    best = (query.encoded.tokens @ tokens.T).max(axis=1)
    return float(best @ query.weights / query.weights.sum())


def _z(values: Sequence[float | None]) -> NDArray[np.float64]:
    """z-scores; a missing value takes the lowest."""
    present = [value for value in values if value is not None]
    low = min(present, default=0.0)
    array = np.array([low if value is None else value for value in values], dtype=np.float64)
    spread = array.std()
    return (array - array.mean()) / spread if spread > 1e-9 else np.zeros_like(array)


def candidates(
    query: Query,
    question: Question,
    store: Store,
    where: Filter = Filter(),
    weights: tuple[float, float, float] = WEIGHTS,
) -> list[Candidate]:
    """Passages, best first, of the cables that `where` admits."""
    content = " ".join(word for word in _WORD.findall(query.text) if word.lower() not in STOP_WORDS) or query.text
    lexical = dict(store.lexical(content, CANDIDATES, where))
    dense = dict(store.dense(query.encoded.vector, CANDIDATES, where))
    found_ids = list(dict.fromkeys([*lexical, *dense]))
    vectors, known = store.token_vectors(found_ids), store.passages(found_ids)
    ids = [i for i in found_ids if i in vectors and i in known]  # not what another process has just replaced
    if not ids:
        return []
    late = [late_interaction(query, vectors[i]) for i in ids]
    score = (
        weights[0] * _z([lexical.get(i) for i in ids])
        + weights[1] * _z([dense.get(i) for i in ids])
        + weights[2] * _z(late)
    )
    if question.months:
        names = tuple({known[i].citation.reference_id for i in ids})
        sent = {row.reference_id: row.sent for row in store.cables(Filter(cables=names))}
        for n, i in enumerate(ids):
            when = sent.get(known[i].citation.reference_id)
            score[n] += MONTH_BONUS * sent_in(when.date() if when else None, question.months)
    found = [Candidate(known[i], i, float(s), c) for i, s, c in zip(ids, score, late, strict=True)]
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.passage_id))


def paragraphs(found: Sequence[Candidate], k: int) -> list[Hit]:
    """The best `k` paragraphs of a ranking of passages, each once."""
    best: dict[Citation, float] = {}
    for candidate in found:
        best.setdefault(candidate.passage.citation, candidate.score)
    return [Hit(citation, score) for citation, score in list(best.items())[:k]]


def filled(hits: Sequence[Hit], k: int, query: Query, store: Store, where: Filter = Filter()) -> list[Hit]:
    """The best `k` of `hits`; where they are fewer, since one paragraph took many passages, the next nearest by their vectors follow."""
    found = list(hits[:k])
    have = {hit.citation for hit in found}
    n = CANDIDATES
    while len(found) < k:
        n *= 4
        near = store.dense(query.encoded.vector, n, where)
        of = store.citations([i for i, _ in near])
        for citation in (of[i] for i, _ in near if i in of):
            if citation not in have and len(found) < k:
                have.add(citation)
                found.append(Hit(citation, found[-1].score - 1 if found else 0.0))
        if len(near) < n:
            break
    return found
