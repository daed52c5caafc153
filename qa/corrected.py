"""Cables that later ones correct: what corrects is read with what it corrects, and comes before it.

Flows in: passages judged for a question. Flows out: those of correcting cables among them, and a line for the reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from index.cable import Cable
from index.embed import Embedder
from index.passage import sentences
from index.store import Filter, Store
from qa.question import Question
from qa.read import ANSWERS, DOUBTFUL, Reading
from qa.reader.model import Reader
from qa.rerank import Judged, rerank
from qa.retrieve import Candidate, candidates, encode_query

FIRST = 2  # passages of a correcting cable that are read
_TITLE = re.compile(
    r"\b(?:corrections? (?:of|to)|corrected (?:copy|version|text)|errat(?:um|a)|correction:)", re.IGNORECASE
)
_CORRECTS = re.compile(
    r"\b(?:correct(?:s|ed|ing|ions?)?|revis(?:es|ed)|supersedes?|strike|should (?:read|be)|(?:was|were) wrong|mistaken(?:ly)?|not\b.*\bas)\b",
    re.IGNORECASE,
)
_REF = re.compile(
    r"\b[Rr]ef(?:s|erence)?\.?\s+(?P<letter>[A-Z])\b|\b[Rr]eftel\b|\b(?:our|the) (?:earlier|first|previous) (?:telegram|cable|report)\b"
)


def with_corrections(
    judged: Sequence[Judged], found: Sequence[Candidate], text: str, asked: Question, where: Filter, store: Store,
    embedder: Embedder, reader: Reader,
) -> tuple[list[Judged], list[Candidate]]:  # fmt: skip
    """`judged` and `found`, those passages first that surely answer, and are of a cable that corrects one whose passage seems to. `text` is
    the question as it is read, `where` the cables that it is asked of."""
    seem = {one.candidate.passage.citation.reference_id for one in judged if one.probability >= ANSWERS}
    by = list(dict.fromkeys(later for _, later in corrections(seem, store)))
    if by:
        admitted = set(store.reference_ids(where if where.cables else replace(where, cables=tuple(by))))
        by = [name for name in by if name in admitted]
    if not by:
        return list(judged), list(found)
    query = encode_query(text, store, embedder)
    have = {one.candidate.passage_id for one in judged}
    every = list(judged)
    for name in by:
        own = candidates(query, asked, store, replace(where, cables=(name,)))[:FIRST]
        every += rerank(text, [one for one in own if one.passage_id not in have], store, reader, FIRST)[0]
    first = [
        one
        for name in by
        for one in every
        if one.candidate.passage.citation.reference_id == name and one.probability >= DOUBTFUL
    ]
    top = max(one.candidate.score for one in every)
    first = [replace(one, candidate=replace(one.candidate, score=top + len(first) - n)) for n, one in enumerate(first)]
    ids = {one.candidate.passage_id for one in first}
    rest = [one for one in judged if one.candidate.passage_id not in ids]
    return [*first, *rest], [*(one.candidate for one in first), *(one for one in found if one.passage_id not in ids)]


def corrections(reference_ids: Iterable[str], store: Store) -> list[tuple[str, str]]:
    """Of these cables that a later one corrects: both reference IDs, the latest first. Its subject has a word like `correction`, and a
    sentence of it corrects that reference; or it is a correction by its title, and refers to no other cable."""
    pairs = store.corrections(sorted(reference_ids))
    return [(of, by) for of, by in pairs if _corrects(store.cable(by), of)]


def corrected(readings: Sequence[Reading], store: Store) -> str:
    """Which of the cables quoted corrects which other, a sentence each; empty where none does."""
    names = {one.citation.reference_id for one in readings}
    pairs = corrections(names, store) if len(names) > 1 else []
    return " ".join(f"{by} corrects {of}." for of, by in pairs if by in names)


def _corrects(cable: Cable, reference_id: str) -> bool:
    letter = chr(ord("A") + cable.references.index(reference_id))
    for paragraph in cable.paragraphs:
        for start, end in sentences(paragraph.text):
            sentence = paragraph.text[start:end]
            refs = {match["letter"] for match in _REF.finditer(sentence)}
            if _CORRECTS.search(sentence) and (reference_id in sentence or letter in refs or None in refs):
                return True
    return len(cable.references) == 1 and _TITLE.search(cable.subject) is not None
