"""The main path: a question and its history -> an Answer whose every citation resolves.

question -> (standalone question, what it names) -> candidates -> judged by the trained reader -> its quotes, or a
model's draft -> statements with verdicts. Abstains where nothing answers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from index.embed import Embedder
from index.errors import CableQAError, ModelUnavailable, NotInIndex
from index.store import Filter, Store
from qa.abstain import CANNOT_ANSWER, abstain
from qa.lookup import known, look_up, without_header_words
from qa.models import QUOTES, check_spec, load_model
from qa.question import Question, read_question
from qa.read import Reading, differ, read, short_answers
from qa.rerank import Judged, rerank
from qa.result import Answer, Cited, Statement, Turn
from qa.retrieve import Candidate, Hit, Query, candidates, encode_query, paragraphs
from qa.verify import SUPPORTED, verify
from qa.write import cited_sentences, draft

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from qa.reader.model import Reader

RETRIEVED = 20  # paragraphs that an answer lists
DIFFER = "The cables give different figures; here they are side by side."
COVERED = 0.4  # least late interaction of the passage whose cable's header is quoted, where none is named
SHOWN = 6  # passages that a language model is shown


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found for a question: `whole` is what is quoted without reading; `found` is ranked as `judged` is."""

    query: Query
    found: list[Candidate]
    judged: list[Judged]
    hits: list[Hit]
    whole: list[Reading]
    times: dict[str, float]


class CableQA:
    """An open index with its embedding model, reader and answering model, loaded once; safe to use from several threads."""

    def __init__(self, store: Store, embedder: Embedder, reader: Reader, model: str = QUOTES) -> None:
        self.store = store
        self.embedder = embedder
        self.reader = reader
        self.model = check_spec(model)
        self._llm: LLM | None = None if model == QUOTES else load_model(model)

    def search(self, query: str, k: int = RETRIEVED, where: Filter = Filter()) -> list[Hit]:
        """The `k` best paragraphs, best first; those that the query names come before all others."""
        question = read_question(" ".join(query.split()))
        return self._look(question, where, k).hits if question.text else []

    def answer(self, question: str, history: Sequence[Turn] = (), where: Filter = Filter()) -> Answer:
        """One answer; raises ModelUnavailable only where not even quotes can be given."""
        *_, last = self.stream(question, history, where)
        assert isinstance(last, Answer)
        return last

    def stream(self, question: str, history: Sequence[Turn] = (), where: Filter = Filter()) -> Iterator[str | Answer]:
        """Pieces of the answer's text with markers `[1]`, then the Answer."""
        began = time.perf_counter()
        asked = read_question(question, [(turn.question, turn.answer) for turn in history])
        counts = self.store.counts()
        base = Answer(
            question, asked.text, "", True, model=self.model,
            index={key: counts[key] for key in ("cables", "paragraphs", "built")},
        )  # fmt: skip
        if not asked.text:
            yield from self._abstain(base, "Ask a question about the cables.", began, {})
            return
        try:
            looked = self._look(asked, where, RETRIEVED)
        except NotInIndex as error:
            query = encode_query(asked.text, self.store, self.embedder)
            near = paragraphs(candidates(query, asked, self.store, where), RETRIEVED)
            yield from self._abstain(replace(base, retrieved=tuple(near)), f"{CANNOT_ANSWER} {error}", began, {})
            return
        confidence = 1.0 if looked.whole else max((one.probability for one in looked.judged), default=0.0)
        base = replace(base, retrieved=tuple(looked.hits), confidence=confidence)
        readings = looked.whole or read(looked.judged)
        if not readings:
            yield from self._abstain(base, abstain(looked.query, looked.judged, self.store), began, looked.times)
        elif self._llm is not None:
            yield from self._written(base, asked.text, readings, looked.found, began, looked.times)
        else:
            yield from self._quoted(base, readings, began, looked.times)

    def _look(self, asked: Question, where: Filter, k: int) -> _Looked:
        """What the index holds on a question; raises NotInIndex where it names a cable or paragraph that is not there."""
        began = time.perf_counter()
        named = known(asked, self.store, where)
        text = without_header_words(asked) if asked.field and not named else asked.text
        query = encode_query(text, self.store, self.embedder)
        inside = replace(where, cables=tuple(name.reference_id for name in named)) if named else where
        found = candidates(query, asked, self.store, inside)
        times = {"retrieve": _ms(began)}
        whole = look_up(asked, named, (), self.store) if named else []
        judged: list[Judged] = []
        if not whole:
            began = time.perf_counter()
            judged, found = rerank(text, found, self.store, self.reader)
            times["read"] = _ms(began)
            if not named and found and found[0].coverage >= COVERED:
                whole = look_up(asked, (), [found[0].passage.citation.reference_id], self.store)
        top = found[0].score if found else 0.0
        hits = [Hit(reading.citation, top + 1) for reading in whole]
        hits += [hit for hit in paragraphs(found, k) if hit.citation not in {h.citation for h in hits}]
        if named and len(hits) < k:
            have = {hit.citation for hit in hits}
            floor = hits[-1].score if hits else 0.0
            outside = paragraphs(candidates(query, asked, self.store, where), 2 * k)
            hits += [Hit(hit.citation, floor - 1 - n) for n, hit in enumerate(outside) if hit.citation not in have]
        return _Looked(query, found, judged, hits[:k], whole, times)

    def _abstain(self, base: Answer, said: str, began: float, times: dict[str, float]) -> Iterator[str | Answer]:
        yield said
        yield replace(base, answer=said, abstained=True, timings_ms=_timings(times, began))

    def _quoted(
        self, base: Answer, readings: Sequence[Reading], began: float, times: dict[str, float]
    ) -> Iterator[str | Answer]:
        """The readings as they stand, each a statement with its own citation; the sure answering words on top."""
        cited = [self._cite(n, reading) for n, reading in enumerate(readings, 1)]
        quotes = [one.quote for one in cited]
        short = [
            Statement(words, (n,), SUPPORTED, short=True) for n, words in enumerate(short_answers(readings, quotes), 1)
        ]
        whole = [Statement(one.quote, (one.number,), SUPPORTED) for one in cited]
        parts = [f"{one.text} [{one.citations[0]}]" for one in whole]
        if short:
            parts.insert(0, "; ".join(f"{one.text} [{one.citations[0]}]" for one in short))
        note = DIFFER if all(r.score < 1.0 for r in readings) and differ(readings, quotes) else ""
        if note:
            parts.insert(0, note)
        for n, part in enumerate(parts):
            yield ("\n\n" if n else "") + part
        yield replace(
            base, answer="\n\n".join(parts), abstained=False, citations=tuple(cited), statements=(*short, *whole),
            timings_ms=_timings(times, began), note=note,
        )  # fmt: skip

    def _cite(self, number: int, reading: Reading) -> Cited:
        text = self.store.paragraph(reading.citation).text
        quote = text[reading.start : reading.end]
        item = re.match(r"\(?([A-Z])[.)]\s", text[text.rfind("\n", 0, reading.start) + 1 :])
        return Cited(
            number, reading.citation, item[1] if item else None, quote, reading.start, reading.end, reading.score,
            reading.words_start, reading.words_end,
        )  # fmt: skip

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


def _ms(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 1)


def _timings(times: dict[str, float], began: float) -> dict[str, float]:
    return {name: times.get(name, 0.0) for name in ("retrieve", "read", "generate", "verify")} | {"total": _ms(began)}


def open_qa(folder: Path, model: str = QUOTES) -> CableQA:
    """The index in `folder`, its embedding model, the reader and `model`, loaded.

    Raises IndexMissing, IndexMismatch (the index was made with a model that cannot be loaded) or InputError.
    """
    check_spec(model)
    store = Store.open(folder)
    from qa.reader.model import SHA256, Reader  # imports torch and transformers

    try:
        embedder = Embedder(store.counts().get("embedding_source") or None)
        return CableQA(store, embedder, Reader(sha256=SHA256), model)
    except CableQAError:
        store.close()
        raise
