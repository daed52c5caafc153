"""What the training sees: the sources without what is held out, and examples in batches of tensors.

Flows in: the training data (`qa.reader.pairs`). Flows out: Examples, and Batches made of them. Knows nothing of the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from qa.reader.encode import PASSAGE_AT, Pair, PairEncoder, batch
from qa.reader.net import SUPPORT
from qa.reader.pairs import (
    Asked,
    Read,
    Stated,
    cable_questions,
    copies,
    held_out,
    passage_questions,
    statements,
)


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
                tokens.append((PASSAGE_AT + inside[0], PASSAGE_AT + inside[-1]))
        if read.spans and not tokens:
            continue
        starts, ends = ({token[side] for token in tokens} or {0} for side in (0, 1))
        found.append(Example(pair, tuple(sorted(starts)), tuple(sorted(ends)), bool(read.spans)))
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
