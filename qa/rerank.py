"""From ranked passages to the same passages as the trained reader ranks them, each with what it made of it.

Flows in: a question and candidates, best first. Flows out: the first of them judged and in a new order, then the rest as
they were. Does not decide what is quoted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from index.passage import Passage, context_of
from index.store import CableRow, Filter, Store
from qa.retrieve import Candidate

if TYPE_CHECKING:
    from qa.reader.model import Judgement, Reader

READ = 6  # passages that are read
# how many of them are read before it is asked whether one answers, and the least probability of one that does: first of one that
# leaves no doubt (`DOUBTFUL` of `qa.read`), then less, as what ranks lower seldom answers. Chosen on the dev sets (MODEL_CARD.md)
ENOUGH = ((2, 0.7), (4, 0.5))
AS_MUCH = 0.1  # how far below the best of those read a passage of another cable may lie in coverage to be read still
FUSED = 0.5  # what a unit of the fused score is worth in logits
CALIBRATION = (0.512, 0.564)  # of the probability: weight of answerability, and a constant


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate and the reader's judgement of it; `probability` that it answers, 0..1."""

    candidate: Candidate
    judgement: Judgement
    probability: float


def rerank(
    question: str,
    found: Sequence[Candidate],
    store: Store,
    reader: Reader,
    most: int | None = None,
) -> tuple[list[Judged], list[Candidate]]:
    """The candidates that were read as judged, best first, and all candidates in the new order, scores changed to match.

    The first `most` are read; where that is not said, of the first `READ` as many as are needed until one answers, and after it only
    those of other cables that cover about as much of the question: they may say otherwise."""
    stages = (*ENOUGH, (READ, 1.0)) if most is None else ((most, 1.0),)
    last = stages[-1][0]
    ids = tuple({candidate.passage.citation.reference_id for candidate in found[:last]})
    cables = {row.reference_id: row for row in store.cables(Filter(cables=ids))} if ids else {}
    top = [candidate for candidate in found[:last] if candidate.passage.citation.reference_id in cables]
    if not top:
        return [], list(found[last:])
    judged: list[Judged] = []
    unread: list[Candidate] = []
    answered = False
    for upto, enough in stages:
        now = top[len(judged) + len(unread) : upto]
        wanted = [candidate for candidate in now if not answered or _may_differ(candidate, judged)]
        unread += [candidate for candidate in now if candidate not in wanted]
        passages = [(_context(one.passage, cables), one.passage.text) for one in wanted]
        judged += [
            Judged(replace(candidate, score=_score(candidate, judgement)), judgement, probability(judgement))
            for candidate, judgement in zip(wanted, reader.judge(question, passages), strict=True)
        ]
        answered = answered or max(one.probability for one in judged) >= enough
    judged.sort(key=lambda one: (-one.candidate.score, one.candidate.passage_id))
    rest = [*unread, *found[last:]]
    floor, best = judged[-1].candidate.score, max((c.score for c in rest), default=0.0)
    rest = [replace(c, score=c.score - best + floor) for c in rest]
    return judged, [*(one.candidate for one in judged), *rest]


def probability(judgement: Judgement) -> float:
    """That the passage answers: logistic regression over the reader's answerability, fitted on the 227 questions of
    `reader/calibration` (`python -m qa.reader.calibrate`), over cables that no weights were trained on and no figure is read from.
    The best span's score adds nothing there."""
    weight, constant = CALIBRATION
    return 1 / (1 + math.exp(-(weight * judgement.answers + constant)))


def _score(candidate: Candidate, judgement: Judgement) -> float:
    return judgement.relevance + judgement.answers / 2 + FUSED * candidate.score


def _context(passage: Passage, cables: Mapping[str, CableRow]) -> str:
    """What the reader is told of the passage's cable."""
    cable = cables[passage.citation.reference_id]
    sent = f"{cable.sent:%Y-%m-%d}" if cable.sent else ""
    return context_of(passage.context, None, cable.origin, sent)


def _may_differ(candidate: Candidate, judged: Sequence[Judged]) -> bool:
    """Whether it is of another cable than all that is judged, and covers about as much of the question as the best of them."""
    of = {one.candidate.passage.citation.reference_id for one in judged}
    most = max(one.candidate.coverage for one in judged)
    return candidate.passage.citation.reference_id not in of and candidate.coverage >= most - AS_MUCH
