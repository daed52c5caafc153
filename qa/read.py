"""The built-in reader: from ranked passages to the sentences that answer, or to nothing.

Flows in: an encoded question and ranked passages. Flows out: Readings, at most four. It reads by similarity alone:
the sentences are taken that together cover the most of the question. A trained reader takes this place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.cable import Citation
from index.passage import sentences
from index.store import Store
from qa.retrieve import Candidate, Query

READ = 5  # passages that are read
MOST = 4  # sentences of an answer
FIRST = 0.41  # least coverage of the question by any passage; below it nothing is near
GAIN = 0.09  # least further coverage that another sentence must bring
SAME = 0.07  # head start of a sentence of a paragraph that is quoted already
RANK_WEIGHT = 0.04  # what a standard deviation of the passage's rank score is worth in coverage


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence that answers: `start` and `end` are offsets in its paragraph's text; score in 0..1, higher is better."""

    citation: Citation
    start: int
    end: int
    score: float


def read(query: Query, found: Sequence[Candidate], store: Store) -> list[Reading]:
    """The sentences that answer, the best first; empty where nothing is near."""
    top = list(found[:READ])
    if not top or max(candidate.coverage for candidate in top) < FIRST:
        return []
    vectors = store.token_vectors([candidate.passage_id for candidate in top])
    spans = store.token_spans([candidate.passage_id for candidate in top])
    weights = query.weights / query.weights.sum()
    options: list[tuple[Reading, np.ndarray, float]] = []
    seen: set[tuple[Citation, int]] = set()
    for candidate in top:
        similarity = query.encoded.tokens @ vectors[candidate.passage_id].T
        starts = spans[candidate.passage_id][:, 0]
        passage = candidate.passage
        for start, end in sentences(passage.text):
            inside = (starts >= start) & (starts < end)
            key = (passage.citation, passage.start + start)
            if not inside.any() or key in seen:
                continue
            seen.add(key)
            best = similarity[:, inside].max(axis=1)
            reading = Reading(passage.citation, key[1], passage.start + end, float(best @ weights))
            options.append((reading, best, candidate.score * RANK_WEIGHT))
    chosen: list[Reading] = []
    covered = np.zeros_like(weights)
    while options and len(chosen) < MOST:
        places = {reading.citation for reading in chosen}
        gains = [
            float(np.maximum(best - covered, 0) @ weights) + (SAME * (reading.citation in places) if chosen else rank)
            for reading, best, rank in options
        ]
        n = int(np.argmax(gains))
        if chosen and gains[n] < GAIN:
            break
        reading, best, _ = options.pop(n)
        chosen.append(reading)
        covered = np.maximum(covered, best)
    return chosen
