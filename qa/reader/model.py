"""The trained reader, loaded: what it makes of passages for a question, or for a statement.

Flows in: a question or a statement, and passages. Flows out: a `Judgement`, or a `Support`, for each. Does not know what is done
with them. The weights (39 MB, int8, with the tokenizer; see MODEL_CARD.md) ship with the package.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from index.embed import compute_dtype
from index.errors import IndexMismatch
from qa.reader.encode import LIMIT, PASSAGE_AT, Pair, batch
from qa.reader.evidence import ROOM, evidence
from qa.reader.int8 import pays, to_int8
from qa.reader.net import WRONG, Scores, load_weights

WEIGHTS = Path(__file__).parent / "weights.safetensors"
SHA256 = "13f80cb19a0f9f452d837f470b805a9cde61039627c11e01ffec185c36cba018"  # of the weights that ship
LEAST_ROOM = 100  # characters below which evidence is not shortened any more
LONGEST = 48  # tokens of an answer
SPANS = 6  # spans that a judgement lists at most


@dataclass(frozen=True, slots=True)
class Span:
    """Answering words, `text[start:end]` of the passage; `score`: logit above that of no answer, higher is better."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the reader makes of one passage: logits, higher is better.

    `relevance` ranks passages for one question only. `answers`: whether the passage answers, as a logit of probability.
    `spans`: the likeliest answers, best first, no two overlapping; never empty unless the passage has no words.
    """

    relevance: float
    answers: float
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Support:
    """What the reader makes of a statement and one passage. `shares`: probabilities, summing to 1, in the order of
    `net.SUPPORT`: supported, partly, unsupported, contradicted. `doubtful`: the words of the statement, `statement[start:end]`,
    that the passage is likelier not to bear out than to."""

    shares: tuple[float, ...]
    doubtful: tuple[tuple[int, int], ...]


class Reader:
    """The network `net` with its weights and its `encode`r, loaded once (about 80 MB in bfloat16, 150 in float32); safe to use
    from several threads. `identity` names the file, `numbers` what it computes in: bfloat16, int8 or float32, the first that is fast
    here.

    Raises IndexMismatch where the file of weights is not there, or its sha256 is not the one that is given, or it is none.
    """

    def __init__(self, weights: Path = WEIGHTS, sha256: str | None = None) -> None:
        self.identity = _hash(weights, sha256)[:12]
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self.net, self.encode = load_weights(weights)
        except ValueError as error:
            raise IndexMismatch(f"{error}. Reinstall cable-qa.") from None
        self.net.eval().to(device=self._device, dtype=compute_dtype())
        self.net.deberta.settle(LIMIT)
        self.numbers = "int8" if pays() else str(compute_dtype()).removeprefix("torch.")
        if self.numbers == "int8":
            to_int8(self.net.deberta)
        self._pool = ThreadPoolExecutor(os.cpu_count(), "reader", torch.set_num_threads, (1,))

    def judge(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Judgement]:
        """A judgement for each (context, text), in their order."""
        pairs = self.encode(question, passages)
        found = []
        for pair, scores, (_, text) in zip(pairs, self._each(pairs), passages, strict=True):
            start, end = (part[0].float().cpu().numpy() for part in (scores.start, scores.end))
            spans = tuple(_trimmed(span, text) for span in _spans(pair, start, end))
            found.append(Judgement(float(scores.relevance[0]), float(scores.answers[0]), spans))
        return found

    def support(self, statement: str, passages: Sequence[tuple[str, str]]) -> list[Support]:
        """For each (context, text) whether it supports the statement; of a long text the evidence is read (`qa.reader.evidence`)."""
        pairs = [self._with_evidence(statement, context, text) for context, text in passages]
        found = []
        for pair, scores in zip(pairs, self._each(pairs), strict=True):
            doubted = (scores.wrong[0].float() > math.log(WRONG)).tolist()
            tokens = [span for n, span in enumerate(pair.asked, pair.asked_at) if doubted[n]]
            shares = scores.support[0].float().softmax(-1).tolist()
            found.append(Support(tuple(shares), _whole_words(statement, tokens)))
        return found

    def _with_evidence(self, statement: str, context: str, text: str) -> Pair:
        """The statement and as much evidence as is not cut."""
        room = ROOM
        while True:
            (pair,) = self.encode(statement, [(context, evidence(statement, text, room))])
            if len(pair.ids) < LIMIT or room < LEAST_ROOM:
                return pair
            room = room * 3 // 4

    def _each(self, pairs: Sequence[Pair]) -> list[Scores]:
        """The scores of each pair: alone, on a core of its own where there are several, which is faster than together; the longest
        first, so that no core is left with one at the end."""

        def score(pair: Pair) -> Scores:
            with torch.inference_mode():
                scores: Scores = self.net(*(part.to(self._device) for part in batch([pair])))
            return scores

        if len(pairs) == 1:
            return [score(pairs[0])]
        order = sorted(range(len(pairs)), key=lambda at: -len(pairs[at].ids))
        scored = dict(zip(order, self._pool.map(score, [pairs[at] for at in order]), strict=True))
        return [scored[at] for at in range(len(pairs))]


def shipped() -> Reader:
    """The reader that ships."""
    return Reader(WEIGHTS, SHA256)


def _hash(weights: Path, sha256: str | None) -> str:
    try:
        found = hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise IndexMismatch(
            f"The reader's weights {weights} cannot be read: {error.strerror}. Reinstall cable-qa."
        ) from None
    if sha256 and found != sha256:
        raise IndexMismatch(f"The reader's weights {weights} have sha256 {found}, not {sha256}. Reinstall cable-qa.")
    return found


def _whole_words(text: str, tokens: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The words that the tokens are parts of, those that stand side by side as one stretch."""
    found: list[tuple[int, int]] = []
    for word in re.finditer(r"\w+(?:[.,'’-]\w+)*", text):
        if any(start < word.end() and word.start() < end for start, end in tokens):
            if found and not text[found[-1][1] : word.start()].strip():
                found[-1] = (found[-1][0], word.end())
            else:
                found.append(word.span())
    return tuple(found)


def _trimmed(span: Span, text: str) -> Span:
    """The span without the space that its first token takes in, and without a quotation mark or bracket at its edge whose counterpart
    lies outside."""
    start, end = span.start, span.end
    start += len(text[start:end]) - len(text[start:end].lstrip())
    for opening, closing in ("“”", '""', "()", "[]"):
        inner = text[start:end]
        if inner.startswith(opening) and closing not in inner[1:] and len(inner) > 1:
            start += 1
        elif inner.endswith(closing) and opening not in inner[:-1] and len(inner) > 1:
            end -= 1
    return Span(start, end, span.score)


def _spans(pair: Pair, start: NDArray[np.float32], end: NDArray[np.float32]) -> list[Span]:
    """The best spans by the sum of their logits, greedily without overlap."""
    length = len(pair.spans)
    left, right = start[PASSAGE_AT : PASSAGE_AT + length], end[PASSAGE_AT : PASSAGE_AT + length]
    inside = np.array([span is not None for span in pair.spans], dtype=bool)
    scores = left[:, None] + right[None, :]
    reach = np.arange(length)[None, :] - np.arange(length)[:, None]
    scores[(reach < 0) | (reach >= LONGEST) | ~inside[:, None] | ~inside[None, :]] = -np.inf
    none = float(start[0] + end[0])
    found: list[Span] = []
    while len(found) < SPANS and scores.size and np.isfinite(best := scores.max()):
        i, j = (int(at) for at in np.unravel_index(scores.argmax(), scores.shape))
        first, last = pair.spans[i], pair.spans[j]
        assert first is not None
        assert last is not None
        found.append(Span(first[0], last[1], float(best) - none))
        scores[: j + 1, i:] = -np.inf
    return found
