"""From ranked passages to the same passages as the trained reader ranks them, each with what it made of it.

Flows in: a question and candidates, best first. Flows out: the first of them judged and in a new order, then the rest as
they were. Does not decide what is quoted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from index.passage import context_of
from index.store import Filter, Store
from qa.retrieve import Candidate

if TYPE_CHECKING:
    from qa.reader.model import Judgement, Reader

READ = 6  # passages that are read
AT_FIRST = 4  # of them; the others only where none of these surely answers
SURELY = 0.8  # least probability of one that does
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
    most: int = READ,
    at_first: int = AT_FIRST,
) -> tuple[list[Judged], list[Candidate]]:
    """The first `most` candidates as judged, best first, and all candidates in the new order, scores changed to match; those after
    `at_first` are judged only where none before them surely answers."""
    ids = tuple({candidate.passage.citation.reference_id for candidate in found[:most]})
    cables = {row.reference_id: row for row in store.cables(Filter(cables=ids))} if ids else {}
    top = [candidate for candidate in found[:most] if candidate.passage.citation.reference_id in cables]
    if not top:
        return [], list(found[most:])
    passages = []
    for candidate in top:
        cable = cables[candidate.passage.citation.reference_id]
        sent = f"{cable.sent:%Y-%m-%d}" if cable.sent else ""
        passages.append((context_of(candidate.passage.context, None, cable.origin, sent), candidate.passage.text))
    judged: list[Judged] = []
    for first, last in ((0, at_first), (at_first, len(top))):
        if not any(one.probability >= SURELY for one in judged):
            judged += [
                Judged(replace(candidate, score=_score(candidate, judgement)), judgement, probability(judgement))
                for candidate, judgement in zip(
                    top[first:last], reader.judge(question, passages[first:last]), strict=True
                )
            ]
    found = [*top[len(judged) :], *found[most:]]
    judged.sort(key=lambda one: (-one.candidate.score, one.candidate.passage_id))
    floor, best = judged[-1].candidate.score, max((c.score for c in found), default=0.0)
    rest = [replace(c, score=c.score - best + floor) for c in found]
    return judged, [*(one.candidate for one in judged), *rest]


def probability(judgement: Judgement) -> float:
    """That the passage answers: logistic regression over the reader's answerability, fitted on the 227 questions of
    `reader/calibration` (`python -m qa.reader.calibrate`), over cables that no weights were trained on and no figure is read from.
    The best span's score adds nothing there."""
    weight, constant = CALIBRATION
    return 1 / (1 + math.exp(-(weight * judgement.answers + constant)))


def _score(candidate: Candidate, judgement: Judgement) -> float:
    return judgement.relevance + judgement.answers / 2 + FUSED * candidate.score
