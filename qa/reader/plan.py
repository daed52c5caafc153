"""What a stage of the training sees: all sources in every draw, as batches of tensors.

Flows in: the training data (`qa.reader.pairs`). Flows out: Examples, and Batches made of them by a process for each core but one.
Knows nothing of the network.
"""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from qa.reader.encode import Pair, PairEncoder, batch
from qa.reader.net import SUPPORT
from qa.reader.pairs import (
    Asked,
    Read,
    Stated,
    alterations,
    cable_questions,
    copies,
    held_out,
    passage_questions,
    public_questions,
    sample,
    statements,
)

PARTS = 15  # of a draw, made into batches one by one: the same on every machine
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stage:
    """How a network is trained: on `draws` from the data, each gone through `repeats` times, with a highest learning rate of
    `rate`, `heads` times that for the heads, in batches of at most `tokens` (padding included), with `dropout`; a share of
    `masked` of a passage's tokens is hidden from a question. `public`: share of the public questions that a draw takes,
    `share`: of everything else. The embeddings, and the first `frozen` layers of BERT, stay as they were."""

    draws: int
    repeats: int
    rate: float
    heads: float
    tokens: int
    dropout: float
    masked: float
    public: float
    share: float = 1.0
    frozen: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """A pair, and what is right for it: of a question the tokens where answers begin and end (0 for none) and whether the
    passage answers; of a statement the number of its label, and which of its tokens are wrong, where that is known."""

    pair: Pair
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    answers: bool = False
    label: int | None = None
    wrong: tuple[int, ...] | None = None


class Batch(NamedTuple):
    """n pairs of at most t tokens: what the network takes, then what is right.

    `ids`, `types`, `mask`, `inside` (n, t): see `ReaderNet.forward`. `starts`, `ends` (n, t): bool. `answers` (n,): bool.
    `label` (n,): that of a statement, -1 for a question. `wrong` (n, t): 1 or 0 for a statement's tokens of which it is known,
    else -1. `group` (n,): pairs of the same question have the same number.
    """

    ids: Tensor
    types: Tensor
    mask: Tensor
    inside: Tensor
    starts: Tensor
    ends: Tensor
    answers: Tensor
    label: Tensor
    wrong: Tensor
    group: Tensor


def examples(asked: Asked | Stated, encode: PairEncoder) -> list[Example]:
    """The question with each of its passages, but for one whose answer was cut off; or the statement with its passage."""
    if isinstance(asked, Stated):
        (pair,) = encode(asked.statement, [(asked.passage.context, asked.passage.text)])
        wrong = None
        if asked.wrong is not None:
            wrong = tuple(
                n for n, (start, end) in enumerate(pair.asked, pair.asked_at)
                if any(start < to and end > at for at, to in asked.wrong)
            )  # fmt: skip
        return [Example(pair, label=SUPPORT.index(asked.label), wrong=wrong)]
    found = []
    pairs = encode(asked.question, [(read.context, read.text) for read in asked.passages])
    for read, pair in zip(asked.passages, pairs, strict=True):
        tokens = []
        for start, end in read.spans:
            inside = [n for n, span in enumerate(pair.spans) if span and span[0] < end and span[1] > start]
            if inside and pair.spans[inside[-1]][1] >= end:  # type: ignore[index]
                tokens.append((pair.first + inside[0], pair.first + inside[-1]))
        if read.spans and not tokens:
            continue
        starts, ends = ({token[side] for token in tokens} or {0} for side in (0, 1))
        found.append(Example(pair, tuple(starts), tuple(ends), bool(read.spans)))
    return found


def grouped(groups: Iterable[list[Example]], tokens: int) -> list[list[list[Example]]]:
    """Groups of similar length together, at most `tokens` of them, padding included; a question's passages are never parted."""

    def padded(group: Sequence[Example]) -> int:
        return max(len(one.pair.ids) for one in group)

    found: list[list[list[Example]]] = []
    current: list[list[Example]] = []
    for group in sorted(groups, key=padded):
        rows = [one for each in [*current, group] for one in each]
        if current and len(rows) * padded(rows) > tokens:
            found.append(current)
            current = []
        current.append(group)
    return [*found, current] if current else found


def collate(groups: Sequence[Sequence[Example]]) -> Batch:
    """The groups as one batch."""
    rows = [one for group in groups for one in group]
    ids, types, mask, inside = batch([one.pair for one in rows])
    starts, ends = torch.zeros_like(inside), torch.zeros_like(inside)
    wrong = torch.full(ids.shape, -1, dtype=torch.int8)
    for n, one in enumerate(rows):
        starts[n, list(one.starts)] = True
        ends[n, list(one.ends)] = True
        if one.wrong is not None:
            wrong[n, one.pair.asked_at : one.pair.asked_at + len(one.pair.asked)] = 0
            wrong[n, list(one.wrong)] = 1
    return Batch(
        ids.int(), types.bool(), mask.bool(), inside, starts, ends,
        torch.tensor([one.answers for one in rows]),
        torch.tensor([-1 if one.label is None else one.label for one in rows]),
        wrong,
        torch.tensor([n for n, group in enumerate(groups) for _ in group]),
    )  # fmt: skip


class Sources(NamedTuple):
    """What is trained on, and nothing that is held out: questions over the passages and over the cables, statements over both, and
    every passage of both with its group."""

    own: list[Asked]
    invented: list[Asked]
    stated: list[Stated]
    passages: list[tuple[str, Read]]


def sources(folder: Path, cables: Path, written: Path) -> Sources:
    """From the reading data in `folder`, the cables in `cables`, and what was `written` over both."""
    own = passage_questions(folder / "reader", written=written)
    away = copies([(one.group, one.passages[0].text) for one in own])
    own = [one for one in own if not held_out(one.group) and one.group not in away]
    invented = [one for one in cable_questions(cables) if not held_out(one.group)]
    stated = statements(folder, cables, written)
    stated = [one for one in stated if not held_out(one.group) and one.group not in away]
    passages = {
        read: (one.group, read)
        for one in [*own, *invented]
        for read in (Read(found.context, found.text, ()) for found in one.passages)
    }
    return Sources(own, invented, stated, list(passages.values()))


class Data:
    """`sources` and public questions. Processes that make batches live as long as this is open."""

    def __init__(self, folder: Path, cables: Path, written: Path, tokenizer: str) -> None:
        files = sorted((folder / "public").glob("*.jsonl.gz"))
        self._public = [one for one in public_questions(files) if len(one.passages[0].text) < 1000]
        self._own, self._invented, self._stated, self._passages = sources(folder, cables, written)
        self._encode = PairEncoder(tokenizer)
        self._last: tuple[tuple[Stage, str], list[Asked | Stated]] | None = None
        workers = max((os.cpu_count() or 1) - 1, 1)
        self._pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _begin, (self,))
        self._pool.submit(os.getpid).result()  # all are started now, before there are other threads

    def __enter__(self) -> Data:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def drawn(self, stage: Stage, rng: random.Random) -> list[Asked | Stated]:
        """One draw, in random order: questions with the passages that answer them and some of the others, statements, half as
        many of the true ones once more as made false, and sentences of the passages, true or false."""

        def some(of: Sequence[T], share: float = stage.share) -> list[T]:
            return rng.sample(of, int(share * len(of)))

        found: list[Asked | Stated] = []
        found += sample(some(self._public, stage.public), rng, most=0, easy=0.3)
        found += sample(some(self._own), rng, most=1, easy=0.2)
        found += sample(some(self._invented), rng, most=3, easy=0.5)
        found += some(self._stated)
        found += alterations(some(self._stated, stage.share / 2), some(self._passages), rng)
        rng.shuffle(found)
        return found

    def batches(self, stage: Stage, seed: str, part: int = 0, parts: int = 1) -> list[Batch]:
        """One part of the draw of a seed, similar lengths together."""
        if self._last is None or self._last[0] != (stage, seed):
            self._last = (stage, seed), self.drawn(stage, random.Random(seed))
        groups = [group for one in self._last[1][part::parts] if (group := examples(one, self._encode))]
        return [collate(each) for each in grouped(groups, stage.tokens)]

    def draws(self, stage: Stage, seed: int, first: int = 0) -> Iterator[list[Batch]]:
        """The batches of each draw from `first` on; the next one is made ready while one is used."""

        def begin(number: int) -> Iterator[list[tuple[NDArray[Any], ...]]]:
            jobs = [(stage, f"{seed} {number}", part, PARTS) for part in range(PARTS)]
            return self._pool.map(_made, *zip(*jobs, strict=True))

        coming = begin(first)
        for number in range(first, stage.draws):
            ready = [Batch(*map(torch.from_numpy, parts)) for made in coming for parts in made]
            if number + 1 < stage.draws:
                coming = begin(number + 1)
            yield ready


_DATA: Data | None = None  # in a process that makes batches: that of the process which started it


def _begin(data: Data) -> None:
    global _DATA
    _DATA = data
    os.nice(5)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)


def _made(stage: Stage, seed: str, part: int, parts: int) -> list[tuple[NDArray[Any], ...]]:
    assert _DATA is not None
    return [tuple(each.numpy() for each in batch) for batch in _DATA.batches(stage, seed, part, parts)]
