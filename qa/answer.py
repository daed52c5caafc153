"""The main path: a question and its history -> an Answer whose every citation resolves.

question -> (standalone question, what it names) -> candidates -> judged by the trained reader -> its quotes, or a
model's draft -> statements with verdicts. Abstains where nothing answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from index.embed import Embedder
from index.errors import CableQAError, NotInIndex
from index.store import Filter, Store
from qa.abstain import CANNOT_ANSWER, abstain, nothing_on
from qa.corrected import corrected, with_corrections
from qa.fresh import able_first, fresh, of_the_same
from qa.lookup import known, look_up, who_is, without_header_words
from qa.models import QUOTES, Limits, Model, check_spec, load_model
from qa.named import references, without_reference_ids
from qa.parts import Part, asked_parts, judge_part, with_passages_of_parts
from qa.question import Question, asks_several, read_question
from qa.quoted import quoted
from qa.read import DOUBTFUL, Reading, merged, read
from qa.recase import recased
from qa.rerank import Judged, rerank
from qa.result import DOUBT, Answer, Turn
from qa.retrieve import Candidate, Hit, Query, candidates, encode_query, filled, paragraphs
from qa.rewrite import rewritten
from qa.verify import Verifier
from qa.written import written

if TYPE_CHECKING:
    from qa.reader.model import Reader

RETRIEVED = 20  # paragraphs that an answer lists
COVERED = 0.4  # least late interaction of the passage whose cable's header is quoted, where none is named


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found for a question: `whole` is what is quoted without reading; `found` is ranked as `judged` is; `parts` are
    the same passages as judged for each part of a question that has several, of the cables that it is asked of. Of a follow-up, `judged`
    are those that have what it brings new."""

    query: Query
    found: list[Candidate]
    judged: list[Judged]
    parts: dict[Part, list[Judged]]
    hits: list[Hit]
    whole: list[Reading]
    times: dict[str, float]


class CableQA:
    """An open index with its embedding model, reader and answering model, loaded once; safe to use from several threads."""

    def __init__(
        self, store: Store, embedder: Embedder, reader: Reader, model: str = QUOTES, limits: Limits = Limits()
    ) -> None:
        self.store = store
        self.embedder = embedder
        self.reader = reader
        self.verifier = Verifier(reader)
        self.model = check_spec(model)
        self._model: Model | None = None if model == QUOTES else load_model(model, limits)

    def search(self, query: str, k: int = RETRIEVED, where: Filter = Filter()) -> list[Hit]:
        """The `k` best paragraphs, best first; those that the query names come before all others."""
        question = read_question(" ".join(query.split()))
        return self._look(question, where, k).hits if question.text else []

    def nearest(self, question: Question, k: int = RETRIEVED, where: Filter = Filter()) -> list[Hit]:
        """The `k` nearest paragraphs, best first, whatever the question names."""
        query = encode_query(question.text, self.store, self.embedder)
        found = candidates(query, question, self.store, where)
        return filled(paragraphs(found, k), k, query, self.store, where)

    def answer(self, question: str, history: Sequence[Turn] = (), where: Filter = Filter()) -> Answer:
        """One answer; raises ModelUnavailable only where not even quotes can be given."""
        *_, last = self.stream(question, history, where)
        assert isinstance(last, Answer)
        return last

    def stream(self, question: str, history: Sequence[Turn] = (), where: Filter = Filter()) -> Iterator[str | Answer]:
        """Pieces of the answer's text with markers `[1]`, then the Answer, whose text replaces them.

        An empty piece every half second while a language model is silent; closing the iterator stops the model.
        """
        began = time.perf_counter()
        times: dict[str, float] = {}
        # what was not answered, or with doubt, is no words of the cables
        said_before = [
            (turn.question, "" if turn.answer.startswith(CANNOT_ANSWER) else turn.answer.removeprefix(DOUBT).strip())
            for turn in history
        ]
        asked = read_question(question, said_before)
        if self._model is not None and asked.text != " ".join(question.split()):
            asked = yield from rewritten(self._model, asked, question, history)
            times["rewrite"] = _ms(began)
        counts = self.store.counts()
        base = Answer(
            question, asked.text, "", True, model=self.model,
            index={key: counts[key] for key in ("cables", "paragraphs", "built")},
        )  # fmt: skip
        if not asked.text:
            yield from self._abstain(base, "Ask a question about the cables.", began, times)
            return
        try:
            looked = self._look(asked, where, RETRIEVED)
        except NotInIndex as error:
            base = replace(base, retrieved=tuple(self.nearest(asked, RETRIEVED, where)))
            yield from self._abstain(base, f"{CANNOT_ANSWER} {error}", began, times)
            return
        judged = [one for each in (looked.judged, *looked.parts.values()) for one in each]
        confidence = 1.0 if looked.whole else max((one.probability for one in judged), default=0.0)
        base = replace(base, retrieved=tuple(looked.hits), confidence=confidence)
        times |= looked.times
        of_parts = {part: read(of_part) for part, of_part in looked.parts.items()}
        # the same of several cables, whose figures may differ
        compares = len({part.alone.lower() for part in of_parts}) == 1
        readings = looked.whole or merged(of_parts.values()) or read(looked.judged, asks_several(asked.text))
        if compares:
            readings = [replace(one, part=0) for one in readings]
        elif not looked.whole:
            readings = of_the_same(asked, readings, self.store)
        heard = next((turn.quoted for turn in reversed(history[-2:]) if turn.quoted and turn.question != question), "")
        first, readings = readings[:1], fresh(readings, asked, self.store, heard)
        if not readings:
            readings = who_is(asked.text, looked.found, self.store)
        if not readings:
            leans = asked.leans  # what was answered before is not asked for
            query = encode_query(f"{leans.own} {leans.asked}", self.store, self.embedder) if leans else looked.query
            yield from self._abstain(base, abstain(query, looked.found, self.store), began, times)
            return
        doubtful = confidence < DOUBTFUL or readings[:1] != first  # the best only repeats what was answered before
        base = replace(base, note=DOUBT if doubtful else "")
        silent = [part.text for part, found in of_parts.items() if not found]
        every_named = all(part.cables is not None for part in of_parts)  # what is quoted then may be of other cables
        said = nothing_on(silent) if not looked.whole and (every_named or any(of_parts.values())) else ""
        if corrects := corrected(readings, self.store):
            said = f"{said} {corrects}".strip()
        if self._model is None:
            parts, answer = quoted(self.store, base, readings, said, compares or (None if corrects else False))
            yield from (("\n\n" if n else "") + part for n, part in enumerate(parts))
        else:
            ranked = [candidate.passage.citation for candidate in looked.found]
            answer = yield from written(self._model, self.verifier, self.store, base, readings, ranked, times, said)
        yield replace(answer, timings_ms=_timings(times, began))

    def _look(self, asked: Question, where: Filter, k: int) -> _Looked:
        """What the index holds on a question; raises NotInIndex where it names a cable or paragraph that is not there."""
        began = time.perf_counter()
        named = known(asked, self.store, where)
        text = without_header_words(asked) if asked.fields and not named else asked.text
        ids = {name.reference_id for name in named}
        bare = without_reference_ids(text, ids)
        query = encode_query(bare, self.store, self.embedder)
        inside = replace(where, cables=tuple(name.reference_id for name in named)) if named else where
        found = candidates(query, asked, self.store, inside)
        if asked.swaps and named and not references(asked.swaps):  # of another thing, it is of any cable
            able, without = able_first(asked, found, self.store, self.embedder)
            if len(without) == len(able):
                named, inside = [], where
                found = candidates(query, asked, self.store, where)
        whole = look_up(asked, named, (), self.store) if named else []
        judged: list[Judged] = []
        parts: dict[Part, list[Judged]] = {}
        times = {"retrieve": _ms(began)}
        if not whole:
            text = recased(text, [one.passage.text for one in found])
            bare = without_reference_ids(text, ids)
            asks = asked_parts(text, asked, named, found, self.store)
            found, most = with_passages_of_parts(asks, found, asked, self.store, self.embedder)
            times["retrieve"] = _ms(began)
            began = time.perf_counter()
            found, without = able_first(asked, found, self.store, self.embedder)
            judged, found = rerank(bare, found, self.store, self.reader, most if asks else None)
            judged = [one for one in judged if one.candidate.passage_id not in without]
            if not asks:
                judged, found = with_corrections(
                    judged, found, bare, asked, inside, self.store, self.embedder, self.reader
                )
            parts = {part: judge_part(part, bare, judged, self.store, self.reader) for part in asks}
            times["read"] = _ms(began)
            if not named and found and found[0].coverage >= COVERED:
                whole = look_up(asked, (), [found[0].passage.citation.reference_id], self.store)
        top = found[0].score if found else 0.0
        hits = [Hit(citation, top + 1) for citation in dict.fromkeys(reading.citation for reading in whole)]
        hits += [hit for hit in paragraphs(found, k) if hit.citation not in {h.citation for h in hits}]
        if named and len(hits) < k:
            have = {hit.citation for hit in hits}
            floor = hits[-1].score if hits else 0.0
            outside = paragraphs(candidates(query, asked, self.store, where), 2 * k)
            hits += [Hit(hit.citation, floor - 1 - n) for n, hit in enumerate(outside) if hit.citation not in have]
        hits = filled(hits, k, query, self.store, where)
        return _Looked(query, found, judged, parts, hits, whole, times)

    def _abstain(self, base: Answer, said: str, began: float, times: dict[str, float]) -> Iterator[str | Answer]:
        yield said
        yield replace(base, answer=said, abstained=True, timings_ms=_timings(times, began))


def _ms(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 1)


def _timings(times: dict[str, float], began: float) -> dict[str, float]:
    return dict.fromkeys(("retrieve", "read", "generate", "verify"), 0.0) | times | {"total": _ms(began)}


def open_qa(folder: Path, model: str = QUOTES) -> CableQA:
    """The index in `folder`, its embedding model, the reader and `model`, loaded.

    Raises IndexMissing, IndexMismatch (the index was made with a model that cannot be loaded) or InputError.
    """
    check_spec(model)
    store = Store.open(folder)
    from qa.reader.model import shipped  # imports torch

    try:
        embedder = Embedder(store.counts().get("embedding_source") or None)
        return CableQA(store, embedder, shipped(), model)
    except CableQAError:
        store.close()
        raise
