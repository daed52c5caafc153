"""What does not answer though it is near: passages that lack what a follow-up brings new, quotes that only repeat what was answered
before, and quotes of another thing than the one that is asked about.

Flows in: a question, its candidates or readings. Flows out: the candidates in a new order, or fewer readings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from index.embed import Embedder
from index.passage import sentences
from index.store import Filter, Store
from qa.lacking import brings, lacks
from qa.names import capitalised, named, names, spelled, vocabulary
from qa.numbers import MONTHS
from qa.question import Question
from qa.read import MOST, Reading, words_of
from qa.retrieve import Candidate, encode_query

PART = 0.6  # of a sentence quoted before, words up to this share of it may answer something else
NOTHING = np.zeros((0, 0), dtype=np.float32)  # of a passage that another process has just replaced


def able_first(
    asked: Question, found: Sequence[Candidate], store: Store, embedder: Embedder
) -> tuple[list[Candidate], set[int]]:
    """The candidates, those last that lack what a follow-up of a few words asks the same of (`and the women?`), and the ids of these."""
    if not asked.swaps or not found:
        return list(found), set()
    query = encode_query(asked.swaps, store, embedder)
    vectors = store.token_vectors([one.passage_id for one in found])
    cables = tuple({one.passage.citation.reference_id for one in found})
    sent = {row.reference_id: row.sent for row in store.cables(Filter(cables=cables))}
    able, unable = [], []
    below = found[0].score - found[-1].score + 1
    for one in found:
        tokens, when = vectors.get(one.passage_id, NOTHING), sent.get(one.passage.citation.reference_id)
        if lacks(query, f"{one.passage.context}\n{one.passage.text}", tokens, when):
            unable.append(replace(one, score=one.score - below))
        else:
            able.append(one)
    return [*able, *unable], {one.passage_id for one in unable}


def fresh(readings: Sequence[Reading], asked: Question, store: Store, quoted: str = "") -> list[Reading]:
    """The readings but for those that repeat the answer which a follow-up leans on, `quoted` from there if that is known. Of a sentence
    that was quoted before, other words may answer; what the follow-up asks the same of may stand in it. If nothing is left: the
    sentences of the same paragraphs that it stands in."""
    if not asked.leans:
        return list(readings)
    found = []
    heard = quoted or asked.leans.heard
    for reading in readings:
        quote = store.paragraph(reading.citation).text[reading.start : reading.end]
        words = words_of(reading, quote)
        if not _stands(quote, heard):
            found.append(reading)
        elif brings(asked.swaps, quote):
            found.append(replace(reading, words_start=None, words_end=None))
        elif (
            not asked.swaps
            and words
            and len(words) < PART * len(quote)
            and not _stands(words, asked.leans.heard if quoted else "")
        ):
            found.append(reading)
    return (
        found
        or [
            Reading(reading.citation, start, end, reading.score)
            for reading in {one.citation: one for one in readings}.values()
            for text in [store.paragraph(reading.citation).text]
            for start, end in sentences(text)
            if brings(asked.swaps, text[start:end])
        ][:MOST]
    )


def _stands(words: str, heard: str) -> bool:
    """Whether `heard` says all that the words do, or they hardly more than it."""
    said, before = _plain(words), _plain(heard)
    return bool(before) and (f" {said} " in f" {before} " or (before in said and len(before) > len(said) / 2))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def of_the_same(asked: Question, readings: Sequence[Reading], store: Store) -> list[Reading]:
    """The readings but for those of another cable than the first that have fewer of the question's names than it: of two ferries the one
    that is asked about."""
    question = asked.leans.own if asked.leans else asked.text
    own = {name.split()[-1] for _, name in names(question)}
    own = {name for name in own if name.lower() not in MONTHS}
    have = []
    for one in readings:
        text = f"{store.cable(one.citation.reference_id).subject} {store.paragraph(one.citation).text}"
        words, capitals = vocabulary(text), capitalised(text)
        have.append({name for name in own if named(name, words, capitals) or spelled(name, text)})
    first = readings[0] if readings else None
    return [
        one
        for one, of in zip(readings, have, strict=True)
        if first
        and (one.part != first.part or one.citation.reference_id == first.citation.reference_id or not of < have[0])
    ]
