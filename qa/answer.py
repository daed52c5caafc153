"""The main path: a question and its history -> an Answer whose every citation resolves.

question -> (standalone question, what it names) -> candidates -> the reader's sentences, or a model's draft
-> statements with verdicts. Abstains where nothing is near.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.cable import HEADER, Cable, Citation
from index.embed import Embedder
from index.errors import CableQAError, ModelUnavailable, NotInIndex
from index.store import Filter, Store
from qa.models import QUOTES, check_spec, load_model
from qa.question import Named, Question, read_question
from qa.read import Reading, read
from qa.retrieve import Candidate, Hit, Query, candidates, encode_query, paragraphs
from qa.verify import SUPPORTED, verify
from qa.write import CANNOT_ANSWER, cited_sentences, draft

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

RETRIEVED = 20  # paragraphs that an answer lists
SHOWN = 6  # passages that a language model is shown
_HEADER_WORDS = re.compile(
    r"\b(who|signed|signature|signatory|when|was|sent|date|dated|which|what|subject|tags?|classification|classified|how|is|are|does|do|"
    r"bears?|carry|carries|cables?|telegrams?|messages?|dispatch)\b", re.IGNORECASE
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange of the history."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A resolved citation: `quote` is `text[start:end]` of the paragraph."""

    number: int
    citation: Citation
    item: str | None
    quote: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer, the numbers it cites, and whether they support it."""

    text: str
    citations: tuple[int, ...]
    verdict: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a question; `as_json` is the contract's answer JSON."""

    question: str
    rewritten_question: str
    answer: str
    abstained: bool
    statements: tuple[Statement, ...] = ()
    citations: tuple[Cited, ...] = ()
    rejected_citations: tuple[tuple[str, str], ...] = ()
    retrieved: tuple[Hit, ...] = ()
    model: str = QUOTES
    index: dict[str, Any] = field(default_factory=dict)
    timings_ms: dict[str, float] = field(default_factory=dict)

    def as_json(self, id: str | None = None) -> dict[str, Any]:
        """The answer JSON of the contract, with `id` first where one is given."""
        row: dict[str, Any] = {} if id is None else {"id": id}
        row |= {key: getattr(self, key) for key in ("question", "rewritten_question", "answer", "abstained")}
        row["statements"] = [
            asdict(s) | {"citations": list(s.citations), "problems": list(s.problems)} for s in self.statements
        ]
        row["citations"] = [
            {"number": c.number, **asdict(c.citation), "item": c.item, "quote": c.quote, "start": c.start, "end": c.end,
             "score": round(c.score, 4)} for c in self.citations
        ]  # fmt: skip
        row["rejected_citations"] = [{"marker": marker, "reason": reason} for marker, reason in self.rejected_citations]
        row["retrieved"] = [asdict(hit.citation) | {"score": round(hit.score, 4)} for hit in self.retrieved]
        return row | {"model": self.model, "index": self.index, "timings_ms": self.timings_ms}


class CableQA:
    """An open index with its embedding model and answering model, loaded once; safe to use from several threads."""

    def __init__(self, store: Store, embedder: Embedder, model: str = QUOTES) -> None:
        self.store = store
        self.embedder = embedder
        self.model = check_spec(model)
        self._llm: LLM | None = None if model == QUOTES else load_model(model)

    def search(self, query: str, k: int = RETRIEVED, where: Filter = Filter()) -> list[Hit]:
        """The `k` best paragraphs, best first; those that the query names come before all others."""
        question = read_question(" ".join(query.split()))
        return self._look(question, where, k)[2] if question.text else []

    def answer(self, question: str, history: Sequence[Turn] = (), where: Filter = Filter()) -> Answer:
        """One answer; raises ModelUnavailable only where not even quotes can be given."""
        *_, last = self.stream(question, history, where)
        assert isinstance(last, Answer)
        return last

    def stream(self, question: str, history: Sequence[Turn] = (), where: Filter = Filter()) -> Iterator[str | Answer]:
        """Pieces of the answer's text with markers `[1]`, then the Answer."""
        began = time.perf_counter()
        asked = read_question(question, [(turn.question, turn.answer) for turn in history])
        text = asked.text
        counts = self.store.counts()
        base = Answer(
            question, text, "", True, model=self.model,
            index={key: counts[key] for key in ("cables", "paragraphs", "built")},
        )  # fmt: skip
        if not text:
            yield from self._abstain(base, "Ask a question about the cables.", began, {})
            return
        try:
            query, found, hits, whole = self._look(asked, where, RETRIEVED)
        except NotInIndex as error:
            yield from self._abstain(base, f"{CANNOT_ANSWER} {error}", began, {})
            return
        base = replace(base, retrieved=tuple(hits))
        times = {"retrieve": _ms(began)}
        mark = time.perf_counter()
        readings = whole or read(query, found, self.store)
        times["read"] = _ms(mark)
        if not readings:
            near = ", ".join(str(hit.citation) for hit in hits[:3])
            said = (
                f"{CANNOT_ANSWER} The nearest paragraphs, {near}, are about something else." if near else CANNOT_ANSWER
            )
            yield from self._abstain(base, said, began, times)
            return
        if self._llm is not None:
            yield from self._written(base, text, readings, found, began, times)
        else:
            yield from self._quoted(base, readings, began, times)

    def _look(self, asked: Question, where: Filter, k: int) -> tuple[Query, list[Candidate], list[Hit], list[Reading]]:
        """The encoded question, its candidates, its hits, and the paragraphs to quote whole where it names them."""
        named = [name for name in asked.named if self._known(name.reference_id)]
        if asked.named and not named:
            raise NotInIndex(f"No cable {asked.named[0].reference_id} in this index.")
        text = asked.text
        if asked.field and not named:
            text = " ".join(_HEADER_WORDS.sub(" ", text).split()) or text
        query = encode_query(text, self.store, self.embedder)
        inside = replace(where, cables=tuple(name.reference_id for name in named)) if named else where
        found = candidates(query, asked, self.store, inside)
        first = self._named(asked, named, found)
        hits = [Hit(reading.citation, 100.0) for reading in first]
        hits += [hit for hit in paragraphs(found, k) if hit.citation not in {h.citation for h in hits}]
        if named and len(hits) < k:
            have = {hit.citation for hit in hits}
            floor = hits[-1].score if hits else 0.0
            rest = [
                hit
                for hit in paragraphs(candidates(query, asked, self.store, where), 2 * k)
                if hit.citation not in have
            ]
            hits += [Hit(hit.citation, min(hit.score, floor) - 10.0) for hit in rest]
        return query, found, hits[:k], first

    def _known(self, reference_id: str) -> bool:
        try:
            self.store.cable(reference_id)
        except NotInIndex:
            return False
        return True

    def _named(self, asked: Question, named: Sequence[Named], found: Sequence[Candidate]) -> list[Reading]:
        """What is quoted without search: a header field, a paragraph by its number, a cable's summary."""
        if asked.field:
            ids = [name.reference_id for name in named] or [c.passage.citation.reference_id for c in found[:1]]
            return [reading for i in ids for reading in self._header_field(self.store.cable(i), asked.field)]
        readings = []
        for name in named:
            cable = self.store.cable(name.reference_id)
            if name.paragraph:
                readings += _matching(cable, name)
            elif asked.about:
                body = next(
                    (
                        p
                        for p in cable.paragraphs
                        if re.match(r"\(?SUMMARY", p.text, re.I) or "SUMMARY" in (p.heading or "")
                    ),
                    None,
                )
                part = body or max(cable.paragraphs[:2], key=lambda p: len(p.text))
                readings.append(Reading(cable.citation(part), 0, len(part.text), 1.0))
        return readings

    @staticmethod
    def _header_field(cable: Cable, name: str) -> list[Reading]:
        text = cable.header.text
        match = re.search(rf"^{name}: (.*)$", text, re.MULTILINE)
        return [Reading(Citation(cable.reference_id, None, HEADER), match.start(), match.end(), 1.0)] if match else []

    def _abstain(self, base: Answer, said: str, began: float, times: dict[str, float]) -> Iterator[str | Answer]:
        yield said
        yield replace(base, answer=said, abstained=True, timings_ms=_timings(times, began))

    def _quoted(
        self, base: Answer, readings: Sequence[Reading], began: float, times: dict[str, float]
    ) -> Iterator[str | Answer]:
        """The readings as they stand, each a statement with its own citation."""
        cited = [self._cite(n, reading) for n, reading in enumerate(readings, 1)]
        parts = []
        for one in cited:
            parts.append(f"{one.quote} [{one.number}]")
            yield ("\n\n" if len(parts) > 1 else "") + parts[-1]
        yield replace(
            base, answer="\n\n".join(parts), abstained=False, citations=tuple(cited),
            statements=tuple(Statement(one.quote, (one.number,), SUPPORTED) for one in cited),
            timings_ms=_timings(times, began),
        )  # fmt: skip

    def _cite(self, number: int, reading: Reading) -> Cited:
        text = self.store.paragraph(reading.citation).text
        quote = text[reading.start : reading.end]
        item = re.match(r"\(?([A-Z])[.)]\s", text[text.rfind("\n", 0, reading.start) + 1 :])
        return Cited(
            number, reading.citation, item[1] if item else None, quote, reading.start, reading.end, reading.score
        )

    def _written(
        self,
        base: Answer,
        text: str,
        readings: Sequence[Reading],
        found: Sequence[Candidate],
        began: float,
        times: dict[str, float],
    ) -> Iterator[str | Answer]:
        """The language model's answer, verified; quotes, and a line that says so, where it fails."""
        assert self._llm is not None
        mark = time.perf_counter()
        spans = {reading.citation: reading for reading in reversed(readings)}
        shown = list(dict.fromkeys([*(r.citation for r in readings), *(c.passage.citation for c in found)]))[:SHOWN]
        sources = [(str(citation), self.store.paragraph(citation).text) for citation in shown]
        pieces: list[str] = []
        try:
            for piece in draft(self._llm, text, sources):
                pieces.append(piece)
                yield piece
        except ModelUnavailable as error:
            yield f"\n\n{error} Quotes instead:\n\n"
            yield from self._quoted(base, readings, began, times | {"generate": _ms(mark)})
            return
        times["generate"] = _ms(mark)
        mark = time.perf_counter()
        said = "".join(pieces).strip()
        if not said or CANNOT_ANSWER.rstrip(".") in said:
            final = replace(base, answer=CANNOT_ANSWER, abstained=True, timings_ms=_timings(times, began))
            yield final
            return
        statements: list[Statement] = []
        cited: dict[int, Cited] = {}
        rejected: list[tuple[str, str]] = []
        for sentence, keys in cited_sentences(said):
            numbers = [key for key in dict.fromkeys(keys) if 1 <= key <= len(shown)]
            rejected += [
                (f"[{key}]", f"only passages 1 to {len(shown)} were given") for key in keys if key not in numbers
            ]
            for key in numbers:
                if key not in cited:
                    reading = spans.get(shown[key - 1]) or Reading(shown[key - 1], 0, len(sources[key - 1][1]), 0.0)
                    cited[key] = self._cite(key, reading)
            verdict, problems = verify(sentence, [sources[key - 1][1] for key in numbers])
            statements.append(Statement(sentence, tuple(numbers), verdict, problems))
        times["verify"] = _ms(mark)
        yield replace(
            base, answer=said, abstained=False, statements=tuple(statements), citations=tuple(cited[n] for n in sorted(cited)),
            rejected_citations=tuple(rejected), timings_ms=_timings(times, began),
        )  # fmt: skip


def _matching(cable: Cable, name: Named) -> list[Reading]:
    """The paragraphs of a cable that a name fits: number, and section or list where it has them."""
    fits = [
        p for p in cable.paragraphs
        if p.paragraph == name.paragraph
        and (not name.section or (p.section or "").upper().startswith(name.section.upper()))
        and (not name.listed or name.listed.upper() in (p.section or "").upper() or not p.section)
    ]  # fmt: skip
    if not fits:
        have = ", ".join(dict.fromkeys(cable.citation(p).label or "body" for p in cable.paragraphs))
        raise NotInIndex(f"{cable.reference_id} has no paragraph {name.paragraph}; it has {have}.")
    return [Reading(cable.citation(p), 0, len(p.text), 1.0) for p in fits]


def _ms(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 1)


def _timings(times: dict[str, float], began: float) -> dict[str, float]:
    return {name: times.get(name, 0.0) for name in ("retrieve", "read", "generate", "verify")} | {"total": _ms(began)}


def open_qa(folder: Path, model: str = QUOTES) -> CableQA:
    """The index in `folder`, its embedding model and `model`, loaded.

    Raises IndexMissing, IndexMismatch (the index was made with a model that cannot be loaded) or InputError.
    """
    check_spec(model)
    store = Store.open(folder)
    try:
        embedder = Embedder(store.counts().get("embedding_source") or None)
        return CableQA(store, embedder, model)
    except CableQAError:
        store.close()
        raise
