"""From judged passages to the sentences that answer, or to nothing.

Flows in: passages with the trained reader's judgements. Flows out: Readings, at most five, each the shortest run of whole
sentences that holds the answering words. Knows nothing of models or of the index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from index.cable import Citation
from index.passage import sentences
from qa.dates import dates
from qa.numbers import figures, numbers
from qa.question import asks_several
from qa.rerank import Judged
from qa.words import STOP_WORDS

MOST = 5  # readings of an answer
PART_MOST = 3  # of a part of a question
ANSWERS = 0.4  # least probability of the best passage; below it the cables are silent
DOUBTFUL = 0.7  # probability of the best passage below which an answer says that it may be none; chosen on the dev sets (MODEL_CARD.md)
ALSO = 0.5  # least probability of a further passage
NEAR = 0.8  # how far below the first passage a further one may lie in answerability, in logits
SEVERAL_ALSO, SEVERAL_NEAR = 0.36, 3.0  # the same for a question that asks for several things
SPAN, UNSURE_SPAN = (
    5.0,
    10.0,
)  # how far below the best span of its passage another may lie, in logits; where that is unsure
SURE = 0.75  # least probability at which the answering words stand alone on top
FIGURE = 6  # words that are hardly more than a figure
SHORT = 12  # words that may stand alone at most
_ASKS = re.compile(
    r"\W*(?:(?:and|so|then|but|in|on|at|by|to|of|from|for)\s+)*(?:(?P<who>who|whom|whose)\b|(?P<many>how (?:many|old|long|high|deep|far|large|tall|wide)|what (?:percent|share))\b|(?P<when>when|what (?:year|date|day))\b)",
    re.IGNORECASE,
)
_MARK = re.compile(r"\W*(?:(?:begin|end) )?(?:summary|comment|note|text)\W*", re.IGNORECASE)  # `END SUMMARY.`
_TIME = re.compile(
    r"day\b|\b(?:ago|noon|midnight|morning|evening|night|week|month|year|spring|summer|autumn|fall|winter|after|before|once|until)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A quote that answers: `start` and `end` are offsets in its paragraph's text, whole sentences; so are `words_start`
    and `words_end`, of the answering words inside. `score` in 0..1: the probability that it answers. `part`: which of the things
    asked it answers, counted from 0."""

    citation: Citation
    start: int
    end: int
    score: float
    words_start: int | None = None
    words_end: int | None = None
    part: int = 0


def read(judged: Sequence[Judged], several: bool = False) -> list[Reading]:
    """The quotes that answer, the passage ranked first before all others; empty where nothing answers. `several`: whether
    the question asks for several things, which may stand in different passages."""
    if not judged or max(one.probability for one in judged) < ANSWERS:
        return []
    also, near = (SEVERAL_ALSO, SEVERAL_NEAR) if several else (ALSO, NEAR)
    least = judged[0].judgement.answers - near
    order = [
        judged[0], *(one for one in judged[1:] if one.probability >= also and one.judgement.answers >= least)
    ]  # fmt: skip
    quotes = [_quotes(one) for one in order]
    # the best of each passage before the second best of any
    ranked = sorted(
        ((n, at, reading) for at, each in enumerate(quotes) for n, reading in enumerate(each)),
        key=lambda each: each[:2],
    )
    chosen: list[tuple[int, int, Reading]] = []
    for n, at, reading in ranked:
        if len(chosen) < MOST and not any(_overlap(reading, other) for _, _, other in chosen):
            chosen.append((at, n, reading))
    found = [reading for _, _, reading in sorted(chosen, key=lambda each: each[:2])]
    return [replace(reading, part=n) for n, reading in enumerate(found)] if several else found


def merged(parts: Iterable[Sequence[Reading]]) -> list[Reading]:
    """The quotes that answer a question from those that answer its parts, in the order of the parts."""
    found = [readings[:PART_MOST] for readings in parts]
    chosen: list[tuple[int, int, Reading]] = []
    for n in range(PART_MOST):  # the best of each part before the second best of any
        for part, readings in enumerate(found):
            if n < len(readings) and len(chosen) < MOST and not any(_overlap(readings[n], one) for *_, one in chosen):
                chosen.append((part, n, replace(readings[n], part=part)))
    return [reading for *_, reading in sorted(chosen, key=lambda one: one[:2])]


def words_of(reading: Reading, quote: str) -> str:
    """The answering words inside the reading's `quote`; empty where there are none."""
    if reading.words_start is None or reading.words_end is None:
        return ""
    return quote[reading.words_start - reading.start : reading.words_end - reading.start]


def short_answers(question: str, readings: Sequence[Reading], quotes: Sequence[str]) -> list[tuple[int, str]]:
    """The answering words of each reading, by its place, fit to stand alone on top of the answer: of the kind that the question asks
    for; of a paragraph its first, unless several things are asked. None where one is not sure or not short, or the first does not fit."""
    found: list[tuple[int, str]] = []
    of: set[Citation] = set()
    for n, (reading, quote) in enumerate(zip(readings, quotes, strict=True)):
        words = _closed(words_of(reading, quote))
        if reading.score < SURE or not words or len(words.split()) > SHORT or len(words) > 0.7 * len(quote):
            return []
        if _fits(question, words):
            if reading.citation not in of or asks_several(question):
                found.append((n, words))
            of.add(reading.citation)
        elif not n:
            return []
    return found


def _closed(words: str) -> str:
    """The words up to a bracket in them that does not close: `480 million crowns ($12 million`."""
    return words[: words.rindex("(")].rstrip(" ,;") if words.count("(") > words.count(")") else words


def _fits(question: str, words: str) -> bool:
    """Whether words are of the kind that a question asks for: no figure for `who`, one for `how many`, a time for `when`."""
    kind = _ASKS.match(question)
    if not any(word.lower() not in STOP_WORDS for word in re.findall(r"\w+", words)):
        return False  # `she`, `why`
    if not kind or asks_several(question):
        return True
    asks = kind.lastgroup
    if asks == "who":
        return re.search(r"\b[A-ZÀ-Þ]", words) is not None or not re.search(r"\d", words)
    if asks == "many":
        return any(True for _ in numbers(words))
    return (
        asks != "when"
        or any(True for _ in numbers(words))
        or any(True for _ in dates(words))
        or _TIME.search(words) is not None
    )


def differ(readings: Sequence[Reading], quotes: Sequence[str], asked_to_compare: bool = False) -> bool:
    """Whether the cables answer the same with different figures: the first words of each, which are sure and hardly more than a figure,
    or any, where the question asks the same of several cables."""
    said: dict[tuple[int, str], set[float]] = {}
    for reading, quote in zip(readings, quotes, strict=True):
        words = words_of(reading, quote)
        if asked_to_compare or (reading.score >= DOUBTFUL and len(words.split()) <= FIGURE):
            said.setdefault((reading.part, reading.citation.reference_id), set(figures(words)))
    found = [(*of, values) for of, values in said.items()]
    return any(
        a and b and not a & b
        for n, (part, one, a) in enumerate(found)
        for same, other, b in found[:n]
        if part == same and one != other
    )


def _quotes(one: Judged) -> list[Reading]:
    """The sentences that hold the best span, and any other span that is nearly as good."""
    passage = one.candidate.passage
    spans = one.judgement.spans
    found: list[Reading] = []
    for span in spans:
        if span.score < spans[0].score - (SPAN if spans[0].score > 0 else UNSURE_SPAN):
            break
        inside = [(s, e) for s, e in sentences(passage.text) if s < span.end and e > span.start]
        if not inside:
            continue
        if _MARK.fullmatch(passage.text[inside[0][0] : inside[-1][1]]):
            continue
        start, end = passage.start + inside[0][0], passage.start + inside[-1][1]
        reading = Reading(
            passage.citation, start, end, one.probability, passage.start + span.start, passage.start + span.end
        )
        if not any(_overlap(reading, other) for other in found):
            found.append(reading)
    return found


def _overlap(one: Reading, other: Reading) -> bool:
    return one.citation == other.citation and one.start < other.end and other.start < one.end
