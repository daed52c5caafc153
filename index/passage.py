"""From a cable to the passages that are embedded and searched.

Flows in: a `Cable` and a way to count tokens. Flows out: `Passage`s, each a stretch of exactly one
paragraph that the embedding model can read whole, and the spans of the sentences of a text.
This module does not know which model embeds a passage, nor where it is stored.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from index.cable import Cable, Citation, Paragraph

VERSION = 1  # part of what a cable's content hash covers: raise it where the same cable gives other passages
CONTEXT_TOKENS = 40
HEADING_TOKENS = 16  # of these, at most; the subject has the rest
OVERLAP_WORDS = 16  # of windows of a sentence too long for one passage

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one paragraph, the unit of retrieval.

    `paragraph.text[start:end] == text`. `context` is the cable's subject and the paragraph's heading:
    it is embedded before the text, and never quoted.
    """

    citation: Citation
    start: int
    end: int
    text: str
    context: str


def joined(context: str, text: str) -> str:
    """What an embedding model reads of a passage; `text` is its last `len(text)` characters."""
    return f"{context}\n{text}" if context else text


def context_of(subject: str, heading: str | None, post: str, sent: str) -> str:
    """What a reader is told of a passage's cable: post and day (ISO 8601), subject, heading; empty parts left out."""
    return "\n".join(part for part in (" ".join((post, sent)).strip(), subject, heading) if part)


# --- sentences ---------------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP = re.compile(r"""[.!?…]+["'”’»)\]]*(?=\s)""")
_OPENERS = "\"'“‘«([-–—*"
_WORD_BEFORE = re.compile(r"[\w.&'’-]+$")
# Never the end of a sentence: a name, a figure or an example follows.
_TITLES = _words(
    "mr mrs ms messrs dr prof gen lt maj col capt cmdr adm sgt brig sen rep gov pres amb dep asst st rev hon"
    " vs viz cf e.g i.e ca approx esp incl"
)
# Not the end of a sentence where a figure follows: `No. 12`, `Sept. 11`, `para. 4`.
_BEFORE_FIGURE = _words(
    "no nos art par pars para paras p pp sec fig vol ch pt ref reg res nr tel ext"
    " jan feb mar apr jun jul aug sep sept oct nov dec"
)
# Ends a sentence only where the next word is one that begins sentences: `in the U.S. The`, `Gazprom Inc. However`.
_DOUBTFUL = _words("inc ltd co corp bros jr sr etc est dept univ govt bn mn jan feb aug sept oct nov dec")
_DOTTED = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")
_BEGINNINGS = _words(
    "a although after all an and any as asked at because before both but by comment despite during each end even"
    " finally for from further given he her here his however i if in it its last later many meanwhile moreover"
    " most much nevertheless no none nor not note now of on once one only or other our over post several she"
    " similarly since so some still such summary that the their then there therefore these they this those though thus"
    " to today two unlike until we what when where whether which while who why with without yet you"
)


def sentences(text: str) -> list[Span]:
    """The sentences of `text` as spans (start, end): in order, trimmed of white space, none empty.

    A line break always ends a sentence. Every character that is not white space lies in exactly one span.
    """
    spans = []
    for line in re.finditer(r"[^\r\n]+", text):
        start = line.start()
        for stop in _STOP.finditer(text, line.start(), line.end()):
            if _ends(text, start, stop, line.end()):
                spans.append((start, stop.end()))
                start = stop.end()
        spans.append((start, line.end()))
    trimmed = (_trim(text, *span) for span in spans)
    return [span for span in trimmed if span[0] < span[1]]


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _ends(text: str, start: int, stop: re.Match[str], line_end: int) -> bool:
    """Whether the full stop (or `!`, `?`, `...`) of a sentence that began at `start` ends it."""
    rest = text[stop.end() : min(line_end, stop.end() + 60)].split()
    following = next((bare for word in rest if (bare := word.lstrip(_OPENERS))), "")
    if following[:1].islower() or following[:1] in tuple(",;:."):
        return False
    if stop[0] != ".":  # `!`, `?`, `...`, or closed by a quotation mark or bracket
        return True
    before = _WORD_BEFORE.search(text, max(start, stop.start() - 40), stop.start())
    if not before:
        return True
    word, key = before[0], before[0].lower().lstrip("'-.")
    begins = re.sub(r"\W.*", "", following).lower() in _BEGINNINGS
    if key in _TITLES:
        return False
    if key in _BEFORE_FIGURE and following[:1].isdigit():
        return False
    if not text[start : before.start()].strip() and (len(word) == 1 or (word.isdigit() and len(word) < 3)):
        return False  # the letter or number of a list item
    if key in _DOUBTFUL or _DOTTED.fullmatch(word) or (len(word) == 1 and word.isupper()):
        return begins
    return True


# --- passages ----------------------------------------------------------------------------------------------


def passages(cable: Cable, count_tokens: Callable[[str], int], limit: int) -> list[Passage]:
    """The passages of a cable's paragraphs (not of its header), in order.

    A paragraph of at most `limit` tokens, its context and the model's special tokens included, is one
    passage. A longer one is split at the ends of sentences, with a sentence of overlap where it fits; a
    sentence that is too long by itself is split at words, also with overlap. No passage is longer than
    `limit`, and every character that is not white space lies in a passage. A paragraph without text has none.

    `count_tokens` gives the tokens that the model sees for a text, special tokens included. A `limit` that
    leaves no room beside the context (40 tokens at most) raises ValueError.
    """
    found = []
    for paragraph in cable.paragraphs:
        context = _context(cable, paragraph, count_tokens)
        for start, end in _split(paragraph.text, context, count_tokens, limit):
            found.append(Passage(cable.citation(paragraph), start, end, paragraph.text[start:end], context))
    return found


def _context(cable: Cable, paragraph: Paragraph, count_tokens: Callable[[str], int]) -> str:
    special = count_tokens("")
    heading = _cut(" ".join((paragraph.heading or "").split()), count_tokens, special + HEADING_TOKENS)
    room = CONTEXT_TOKENS - (count_tokens(heading) - special)
    subject = _cut(" ".join(cable.subject.split()), count_tokens, special + room)
    return "\n".join(part for part in (subject, heading) if part)


def _cut(text: str, count_tokens: Callable[[str], int], limit: int) -> str:
    """As many whole words from the start of `text` as fit `limit` tokens."""
    words = text.split()
    return " ".join(words[: _most(len(words), lambda n: count_tokens(" ".join(words[:n])) <= limit)])


def _most(n: int, fits: Callable[[int], bool]) -> int:
    """The largest i <= n for which `fits(i)`, where what fits is a prefix of 0..n and 0 fits.

    Asked of no i above twice the answer, so that a window of a long text costs as much as of a short one.
    """
    bound = 1
    while bound < n and fits(bound):
        bound *= 2
    return bisect_left(range(n), True, lo=bound // 2, hi=min(bound, n), key=lambda i: not fits(i + 1))


def _split(text: str, context: str, count_tokens: Callable[[str], int], limit: int) -> Iterator[Span]:
    def fits(start: int, end: int) -> bool:
        return count_tokens(joined(context, text[start:end])) <= limit

    def characters(start: int, end: int) -> Iterator[Span]:
        units = [(i, i + 1) for i in range(start, end)]
        return _windows(units, fits, lambda *_: _no_room(limit, context), OVERLAP_WORDS)

    def words(start: int, end: int) -> Iterator[Span]:
        units = [word.span() for word in re.compile(r"\S+").finditer(text, start, end)]
        return _windows(units, fits, characters, OVERLAP_WORDS)

    if not text.strip():
        return iter(())
    return iter([(0, len(text))]) if fits(0, len(text)) else _windows(sentences(text), fits, words, 1)


def _windows(
    units: list[Span], fits: Callable[[int, int], bool], finer: Callable[[int, int], Iterator[Span]], overlap: int
) -> Iterator[Span]:
    """Stretches of as many units as fit, each beginning up to `overlap` units before the last one's end.

    A unit that does not fit by itself is split by `finer`. No stretch lies inside another.
    """
    first = 0
    while first < len(units):
        begin = units[first][0]
        after = first + _most(len(units) - first, lambda n: fits(begin, units[first + n - 1][1]))  # noqa: B023
        if after == first:
            yield from finer(*units[first])
            first += 1
            continue
        yield begin, units[after - 1][1]
        if after == len(units):
            return
        again = max(first + 1, after - overlap)
        while again < after and not fits(units[again][0], units[after][1]):
            again += 1
        first = again


def _no_room(limit: int, context: str) -> Iterator[Span]:
    raise ValueError(f"{limit} tokens leave no room for text beside the context {context!r}")
