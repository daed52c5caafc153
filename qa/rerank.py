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
FUSED = 0.5  # what a unit of the fused score is worth in logits
CALIBRATION = (0.512, 0.564)  # of the probability: weight of answerability, and a constant


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate and the reader's judgement of it; `probability` that it answers, 0..1."""

    candidate: Candidate
    judgement: Judgement
    probability: float


def rerank(
    question: str, found: Sequence[Candidate], store: Store, reader: Reader, most: int = READ
) -> tuple[list[Judged], list[Candidate]]:
    """The first `most` candidates as judged, best first, and all candidates in the new order, scores changed to match."""
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
    judged = [
        Judged(replace(candidate, score=_score(candidate, judgement)), judgement, probability(judgement))
        for candidate, judgement in zip(top, reader.judge(question, passages), strict=True)
    ]
    judged.sort(key=lambda one: (-one.candidate.score, one.candidate.passage_id))
    floor, last = judged[-1].candidate.score, top[-1].score
    rest = [replace(c, score=min(c.score, last) - last + floor) for c in found[most:]]
    return judged, [*(one.candidate for one in judged), *rest]


def probability(judgement: Judgement) -> float:
    """That the passage answers: logistic regression over the reader's answerability, fitted on the 227 questions of
    `reader/calibration` (`python -m qa.reader.calibrate`), over cables that no weights were trained on and no figure is read from.
    The best span's score adds nothing there."""
    weight, constant = CALIBRATION
    return 1 / (1 + math.exp(-(weight * judgement.answers + constant)))


def _score(candidate: Candidate, judgement: Judgement) -> float:
    return judgement.relevance + judgement.answers / 2 + FUSED * candidate.score
