"""A question that asks several things is read part by part: `How much was seized, and where do the guards go?` A part that leans on
those before it is read with them, as a follow-up is. A question that asks the same of several cables (`in the July and the December
cable`) is read for each of them.

Flows in: a question, and passages judged for it as a whole. Flows out: its parts, and the passages as judged for each. Does not
decide what is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from index.embed import Embedder
from index.store import Filter, Store
from qa.follow import is_joined, standalone
from qa.named import Named, without_reference_ids
from qa.numbers import MONTHS
from qa.question import Question, read_question, sent_in
from qa.rerank import READ, Judged, probability, rerank
from qa.retrieve import Candidate, candidates, encode_query

if TYPE_CHECKING:
    from qa.reader.model import Reader

PART_READ = 2  # passages of the first cable that are read for a part, if they are not among those read for the whole
PART_ANSWERS = 0.36  # least probability, alone, of the passage that answers a part best
MOST = 4  # parts; a text of more is no question, and of more cables no comparison
LEAST = 3  # words of a part: `..., and where?` asks nothing by itself
_WH = r"(?:(?:to|in|on|by|for|at|from|of|with|under|about|against|until|since)\s+)?(?:what|who|whom|whose|how|which|when|where|why)\b"
_AUXILIARY = r"(?:did|does|do|is|are|was|were|has|have|had|can|could|will|would)\b"
_BETWEEN = re.compile(
    rf"[,;:]?\s+(?:and|or|but)\s+(?={_WH})|[,;]\s+(?:and|but)\s+(?={_AUXILIARY})|[;:]\s+(?={_WH})|\?\s+(?=\w)",
    re.IGNORECASE,
)
# of the things that are spoken of before
_EACH = re.compile(r"\bof each\s*\??$|\beach\s+(?:gives?|says?)\b", re.IGNORECASE)
_ASKS = re.compile(rf"\b{_WH}|^(?:{_AUXILIARY}|name|list|give|tell)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things that a question asks. `text` names it where nothing answers it, `alone` is what is searched for and read;
    `cables`: the reference IDs of those that it is asked of, which may be none; None where it may be any."""

    text: str
    alone: str
    cables: tuple[str, ...] | None = None


def asked_parts(
    text: str, asked: Question, known: Sequence[Named], found: Sequence[Candidate], store: Store
) -> list[Part]:
    """The parts that a question, `text`, joins; else, where it asks the same of several cables, this of each: of those it names, which
    are `known` or not, or of those among `found` that were sent in a month; none where it asks one thing."""
    have = {name.reference_id for name in known}
    joined = parts_of(text)
    parts: list[Part] = []
    for part, alone in zip(joined, standing(joined), strict=True):
        named = read_question(part).named
        own = tuple(name.reference_id for name in named if name.reference_id in have) if named else None
        parts.append(Part(part, without_reference_ids(alone, have), own))
    if not parts and asked.of_each:
        alone = without_reference_ids(text, have)
        parts = [Part(what, alone, cables) for what, cables in _asked_of(asked, have, found, store)]
        return parts if 2 <= len(parts) <= MOST else []
    return parts


def _asked_of(
    asked: Question, have: Collection[str], found: Sequence[Candidate], store: Store
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The cables that a question asks the same of, by what it asks of each: those it names that `have` holds, else those of each month."""
    if asked.named:
        for name in (named.reference_id for named in asked.named):
            yield f"what {name} says.", (name,) if name in have else ()
        return
    names = tuple(dict.fromkeys(one.passage.citation.reference_id for one in found))
    sent = {row.reference_id: row.sent for row in store.cables(Filter(cables=names))} if names else {}
    for year, month in asked.months:
        of = tuple(name for name, day in sent.items() if sent_in(day.date() if day else None, [(year, month)]))
        when = f"{MONTHS[month - 1].capitalize()} {year or ''}".strip()
        yield f"what the cables of {when} say.", of


def parts_of(question: str) -> list[str]:
    """The questions that a question joins by `and what ...` and the like, each with the statement that opens it, if one does;
    none where it asks one thing, or the same of each of several, or leans on others before it in brackets."""
    parts = [part.strip() for part in _BETWEEN.split(question)]
    opening = []
    while len(parts) > 1 and not _ASKS.search(parts[0]):
        opening.append(parts.pop(0))
    asking = [part for part in parts if _ASKS.search(part)]
    if is_joined(question) or not 2 <= len(asking) <= MOST or any(len(part.split()) < LEAST for part in asking):
        return []
    if any(_EACH.search(part) for part in asking[1:]):
        return []
    return [f"{': '.join([*opening, part.rstrip('?,;: ')])}?" for part in asking]


def standing(parts: Sequence[str]) -> list[str]:
    """The same parts, each that leans on those before it with these in brackets, as a follow-up stands alone."""
    return [standalone(part, [(" ".join(parts[:n]), "")] if n else []) for n, part in enumerate(parts)]


def with_passages_of_parts(
    parts: Sequence[Part], found: Sequence[Candidate], asked: Question, store: Store, embedder: Embedder
) -> tuple[list[Candidate], int]:
    """The candidates for the whole question, those to read first, and how many these are: after its own first `READ` the
    passages that rank high for one of the `parts`, of the cables that it is asked of, else of the first cable."""
    top, rest = list(found[:READ]), list(found[READ:])
    if found and parts:
        for part in parts:
            query = encode_query(part.alone, store, embedder)
            cables = (found[0].passage.citation.reference_id,) if part.cables is None else part.cables
            for own in candidates(query, asked, store, Filter(cables=cables))[:PART_READ] if cables else ():
                if own.passage_id not in {one.passage_id for one in top}:
                    at = next((n for n, one in enumerate(rest) if one.passage_id == own.passage_id), None)
                    top.append(replace(own, score=found[-1].score) if at is None else rest.pop(at))
    return [*top, *rest], len(top)


def judge_part(part: Part, text: str, judged: Sequence[Judged], store: Store, reader: Reader) -> list[Judged]:
    """The passages `judged` for the whole question, `text`, as they are for one part of it, best first, of the cables that it is asked
    of; none where none answers it.

    A part says less of what it is about: a passage's answerability is the mean of its own and the whole's."""
    own = [one for one in judged if part.cables is None or one.candidate.passage.citation.reference_id in part.cables]
    found = own
    if part.alone != text:
        found, _ = rerank(part.alone, [one.candidate for one in own], store, reader, len(own))
    if max((one.probability for one in found), default=0.0) < PART_ANSWERS:
        return []
    whole = {one.candidate.passage_id: one.judgement.answers for one in judged}
    blended = []
    for one in found:
        answers = (one.judgement.answers + whole[one.candidate.passage_id]) / 2
        judgement = replace(one.judgement, answers=answers)
        blended.append(Judged(one.candidate, judgement, probability(judgement)))
    return blended
