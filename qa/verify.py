"""Whether the cited paragraphs support a statement.

Flows in: a statement and the paragraphs that it rests on. Flows out: a Verdict, and the paragraphs that bear it out. Exact facts
come first (`qa.facts`: a figure, date, name, reference ID or quotation that does not stand there), then meaning, by the trained
network's heads for that (`qa.reader`): they tell what the paragraph does not say from what it says; a reversal (a negation,
swapped roles, the wrong year) they see about every other time (MODEL_CARD.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from index.cable import Citation
from index.passage import context_of
from index.store import Store
from qa.facts import missing

if TYPE_CHECKING:
    from qa.reader.model import Reader

SUPPORTED, PARTLY, UNSUPPORTED, CONTRADICTED = "supported", "partly", "unsupported", "contradicted"
HOLDS = 0.13  # least probability of `supported` to be so; chosen on held-out statements (benchmarks.support --half 0)
MOSTLY = 0.5  # least probability of `supported` or `partly` to be partly so, with one fact missing
DOUBTS = 3  # stretches of words that a verdict names at most
NO_PARAGRAPH = "cites no paragraph"


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
        stands in a source word for word is supported."""
        plain = " ".join(statement.split())
        if not sources or not plain:
            return Verdict(UNSUPPORTED, (NO_PARAGRAPH,))
        if any(plain in " ".join(source.text.split()) for source in sources):
            return Verdict(SUPPORTED, (), 1.0)
        whole = " ".join(f"{source.text} {source.context} {source.header}" for source in sources)
        problems = tuple(str(problem) for problem in missing(plain, whole, sources[0].sent))
        passages = [(source.context, source.text) for source in sources]
        if len(sources) > 1:  # a statement may need two of them
            passages.append((sources[0].context, "\n".join(source.text for source in sources)))
        best = max(self._reader.support(plain, passages), key=lambda one: one.shares[0])
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

    def attribute(
        self, statement: str, sources: Sequence[Source], chosen: Sequence[int]
    ) -> tuple[tuple[int, ...], Verdict]:
        """Which of `sources` (by index) bear the statement out, and the verdict: those `chosen` by its writer where they do,
        else the first other one that does alone, else `chosen` with its verdict."""
        own = self.check(statement, [sources[n] for n in chosen])
        if own.verdict == SUPPORTED:
            return tuple(chosen), own
        for n, source in enumerate(sources):
            if n not in chosen and (other := self.check(statement, [source])).verdict == SUPPORTED:
                return (n,), other
        return tuple(chosen), own
