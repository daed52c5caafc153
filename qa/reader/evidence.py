"""The sentences of a paragraph that a statement should be read against.

Flows in: a statement and a text. Flows out: the text itself where it is short, else the sentences that share most with the statement;
or the one that does. Knows nothing of the network; training and checking both read what this gives.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import fsum  # the order of a set, which changes from run to run, does not matter to it

from index.passage import sentences
from qa.words import STOP_WORDS

ROOM = 600  # characters that are read; a text no longer than this is read whole
AGAIN, BESIDE = 0.3, 0.25  # worth of a word that a chosen sentence has already, and of a sentence beside a chosen one


def evidence(statement: str, text: str, room: int = ROOM) -> str:
    """At most `room` characters of `text`: whole sentences (a longer one in pieces) in their order, chosen one by one by the
    statement's words, the rarer in the text the dearer, that no sentence chosen before has."""
    if len(text) <= room:
        return text
    spans = [piece for sentence in sentences(text) for piece in _pieces(text, *sentence, room)]
    shared, holders = _shared(statement, text, spans)
    left, chosen, size = set().union(*shared), set[int](), 0
    rest = set(range(len(spans)))

    def worth(at: int) -> tuple[float, int]:
        new, old = (fsum(holders[word] ** -0.5 for word in of) for of in (shared[at] & left, shared[at]))
        return new + AGAIN * old + BESIDE * bool({at - 1, at + 1} & chosen), -at

    while rest := {at for at in rest if size + spans[at][1] - spans[at][0] <= room}:
        best = max(rest, key=worth)
        rest.remove(best)
        chosen.add(best)
        size += spans[best][1] - spans[best][0] + 1
        left -= shared[best]
    return "\n".join(text[start:end] for start, end in (spans[at] for at in sorted(chosen)))


def nearest(statement: str, text: str, shown: str) -> tuple[int, int] | None:
    """The characters of the sentence of `text`, among those that stand in what of it was `shown`, that shares most with the
    statement, the rarer words the dearer; None where none shares anything."""
    spans = [(start, end) for start, end in sentences(text) if text[start:end] in shown]
    shared, holders = _shared(statement, text, spans)
    worth = [fsum(holders[word] ** -0.5 for word in each) for each in shared]
    return spans[worth.index(max(worth))] if any(worth) else None


def _pieces(text: str, start: int, end: int, room: int) -> Iterator[tuple[int, int]]:
    """A sentence of at most `room` characters as it is, a longer one cut at spaces to pieces of a third of that."""
    most = room if end - start <= room else max(room // 3, 1)
    while end - start > most:
        cut = text.rfind(" ", start + 1, start + most)
        cut = cut if cut > 0 else start + most
        yield start, cut
        start = cut
    yield start, end


def _shared(statement: str, text: str, spans: Sequence[tuple[int, int]]) -> tuple[list[set[str]], Counter[str]]:
    """The words that each stretch of the text shares with the statement, and how many stretches have each."""
    asked = set(stems(statement))
    shared = [set(stems(text[start:end])) & asked for start, end in spans]
    return shared, Counter(word for each in shared for word in each)


def stems(text: str) -> list[str]:
    """The first letters of each word that means something."""
    return [word[:6] for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in STOP_WORDS]
