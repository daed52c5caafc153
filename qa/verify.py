"""Whether the cited paragraphs support a statement.

Flows in: a statement and the paragraphs that it rests on. Flows out: a Verdict, and the paragraphs that bear it out. Exact facts
come first (`qa.facts`: a figure, date, name, reference ID or quotation that does not stand there), then meaning, by the
trained reader (`qa.reader.model`): it tells what the paragraph does not say from what it says; how many reversals (a negation, swapped
roles, the wrong year) it sees stands in MODEL_CARD.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from index.cable import Citation
from index.passage import context_of, sentences
from index.store import Store
from qa.facts import as_written, has_words_of, missing

if TYPE_CHECKING:
    from qa.reader.model import Reader, Support

SUPPORTED, PARTLY, UNSUPPORTED, CONTRADICTED = "supported", "partly", "unsupported", "contradicted"
HOLDS = 0.15  # least probability of `supported` to be so; chosen on held-out statements (MODEL_CARD.md)
MOSTLY = 0.5  # least probability of `supported` or `partly` to be partly so, with one fact missing
SHORT = (
    6  # words of a sentence of which the network is easily too sure: one of them at least must stand there in some form
)
WHOLE = 60  # words of a statement that the network reads whole; a longer one is read in pieces
DOUBTS = 3  # stretches of words that a verdict names at most
NO_PARAGRAPH = "cites no paragraph"
NO_WORDS = "none of its words stand there"


@dataclass(frozen=True, slots=True)
class Source:
    """A paragraph that a statement may rest on. `context`: its cable's subject, post and date, as the network reads them;
    `header`: the cable's own header fields, where facts may stand too."""

    citation: Citation
    text: str
    context: str = ""
    sent: datetime | None = None
    header: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """supported, partly, unsupported or contradicted; `problems`: each fact that the sources do not have, else the words that
    the network doubts. `score`: the probability 0..1 that the sources support the statement, by the network alone."""

    verdict: str
    problems: tuple[str, ...] = ()
    score: float = 0.0


def source_of(store: Store, citation: Citation) -> Source:
    """The paragraph as a Source; raises NotInIndex."""
    cable, paragraph = store.cable(citation.reference_id), store.paragraph(citation)
    sent = f"{cable.sent:%Y-%m-%d}" if cable.sent else ""
    context = context_of(cable.subject, paragraph.heading, cable.origin, sent)
    return Source(citation, paragraph.text, context, cable.sent, cable.header.text)


class Verifier:
    """Checks statements against paragraphs with the trained `reader`; safe to use from several threads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def check(self, statement: str, sources: Sequence[Source]) -> Verdict:
        """The verdict on a statement that rests on all of `sources` together; without sources it is unsupported. One that
        is whole sentences of a source, word for word, is supported."""
        plain = " ".join(statement.split())
        if not sources or not re.search(r"\w", plain):
            return Verdict(UNSUPPORTED, (NO_PARAGRAPH,))
        if any(_stands(plain, source.text) for source in sources):
            return Verdict(SUPPORTED, (), 1.0)
        if len(plain.split()) <= SHORT and not has_words_of(plain, _whole(sources)):
            return Verdict(UNSUPPORTED, (NO_WORDS,))
        problems = _lacking(plain, sources)
        plain = as_written(plain, " ".join(source.text for source in sources))
        best, plain = min((self._best(piece, sources) for piece in _pieces(plain)), key=lambda one: one[0].shares[0])
        supported, partly, unsupported, contradicted = best.shares
        if problems:
            if len(problems) == 1 and supported + partly >= MOSTLY and supported > contradicted:
                return Verdict(PARTLY, problems, supported)
            return Verdict(
                CONTRADICTED if contradicted > max(partly, unsupported) else UNSUPPORTED, problems, supported
            )
        if supported >= HOLDS:
            return Verdict(SUPPORTED, (), supported)
        rest = {PARTLY: partly, UNSUPPORTED: unsupported, CONTRADICTED: contradicted}
        doubtful = tuple(f"not borne out: {plain[start:end]}" for start, end in best.doubtful[:DOUBTS])
        return Verdict(max(rest, key=lambda name: rest[name]), doubtful, supported)

    def _best(self, statement: str, sources: Sequence[Source]) -> tuple[Support, str]:
        """What the network makes of the source that bears the statement out best, of several of all together too; and the
        statement."""
        read = [(source.context, source.text) for source in sources]
        if len(sources) > 1:
            read.append((sources[0].context, "\n".join(source.text for source in sources)))
        return max(self._reader.support(statement, read), key=lambda one: one.shares[0]), statement

    def attribute(
        self, statement: str, sources: Sequence[Source], chosen: Sequence[int]
    ) -> tuple[tuple[int, ...], Verdict]:
        """Which of `sources` (by index) bear the statement out, and the verdict: those `chosen` by its writer where they do,
        else the first other one that does alone, else `chosen` with its verdict. Of several chosen, those that do it alone, if
        any does."""
        own = self.check(statement, [sources[n] for n in chosen])
        if own.verdict == SUPPORTED:
            alone = [n for n in chosen if len(chosen) > 1 and self.check(statement, [sources[n]]).verdict == SUPPORTED]
            return tuple(alone or chosen), own
        plain = " ".join(statement.split())
        for n, source in enumerate(sources):
            if n in chosen or (_lacking(plain, [source]) and not _stands(plain, source.text)):
                continue  # what lacks a fact cannot bear the statement out: the network need not read it
            if (other := self.check(statement, [source])).verdict == SUPPORTED:
                return (n,), other
        return tuple(chosen), own


def _whole(sources: Sequence[Source]) -> str:
    return " ".join(f"{source.text} {source.context} {source.header}" for source in sources)


def _lacking(statement: str, sources: Sequence[Source]) -> tuple[str, ...]:
    """The exact facts of the statement that the sources together do not have."""
    return tuple(str(problem) for problem in missing(statement, _whole(sources), sources[0].sent))


def _pieces(statement: str) -> list[str]:
    """The statement, in pieces of at most `WHOLE` words where it is longer: cut in two at the comma or semicolon nearest to its
    middle, or at the middle, and so on. Every piece must hold."""
    words = statement.split()
    if len(words) <= WHOLE:
        return [statement]
    middle = len(words) / 2
    ends = [n for n, word in enumerate(words[:-1], 1) if word[-1] in ",;:"]
    cut = min(ends, key=lambda n: abs(n - middle)) if ends else int(middle)
    return [*_pieces(" ".join(words[:cut])), *_pieces(" ".join(words[cut:]))]


def _stands(statement: str, text: str) -> bool:
    """Whether the statement is whole sentences of the text, one after another; the last full stop may be left out."""
    parts = [" ".join(text[start:end].split()) for start, end in sentences(text)]
    for first in range(len(parts)):
        run = ""
        for part in parts[first:]:
            run = f"{run} {part}".strip()
            if run.removesuffix(".") == statement.removesuffix("."):
                return True
            if not statement.startswith(run):
                break
    return False
