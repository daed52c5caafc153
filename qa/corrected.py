"""Cables that later ones correct: what corrects is read with what it corrects, and comes before it.

Flows in: passages judged for a question. Flows out: those of correcting cables among them, and a line for the reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index.store import Filter, Store
from qa.question import Question
from qa.read import ANSWERS, DOUBTFUL, Reading
from qa.reader.model import Reader
from qa.rerank import Judged, rerank
from qa.retrieve import Candidate, Query, candidates

FIRST = 2  # passages of a correcting cable that are read


def with_corrections(
    judged: Sequence[Judged],
    found: Sequence[Candidate],
    query: Query,
    asked: Question,
    where: Filter,
    store: Store,
    reader: Reader,
) -> tuple[list[Judged], list[Candidate]]:
    """`judged` and `found`, those passages first that surely answer, and are of a cable that corrects one whose passage seems to. `query` is
    what is read, `where` the cables that it is asked of."""
    seem = {one.candidate.passage.citation.reference_id for one in judged if one.probability >= ANSWERS}
    by = {later for _, later in store.corrections(sorted(seem))} if seem else set()
    have = {one.candidate.passage_id for one in judged}
    more: list[Judged] = []
    for name in sorted(by & set(where.cables) if where.cables else by):
        unread = [
            one
            for one in candidates(query, asked, store, replace(where, cables=(name,)))[:FIRST]
            if one.passage_id not in have
        ]
        more += rerank(query.text, unread, store, reader, FIRST)[0]
    every = [*judged, *more]
    first = [one for one in every if one.candidate.passage.citation.reference_id in by and one.probability >= DOUBTFUL]
    if not first:
        return list(judged), list(found)
    top = max(one.candidate.score for one in every)
    first = [replace(one, candidate=replace(one.candidate, score=top + len(first) - n)) for n, one in enumerate(first)]
    ids = {one.candidate.passage_id for one in first}
    rest = [one for one in judged if one.candidate.passage_id not in ids]
    return [*first, *rest], [*(one.candidate for one in first), *(one for one in found if one.passage_id not in ids)]


def corrected(readings: Sequence[Reading], store: Store) -> str:
    """Which of the cables quoted corrects which other, a sentence each; empty where none does."""
    names = {one.citation.reference_id for one in readings}
    pairs = [(by, of) for of, by in store.corrections(sorted(names)) if by in names] if len(names) > 1 else []
    return " ".join(f"{by} corrects {of}." for by, of in pairs)
