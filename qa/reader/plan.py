"""What a stage of the training sees: which sources how often, as examples in batches.

Flows in: the training data (`qa.reader.pairs`). Flows out: parts of a mixture, Examples, batches. Knows nothing of the network.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.reader.encode import Pair, PairEncoder
from qa.reader.net import SUPPORT
from qa.reader.pairs import (
    Asked,
    Read,
    Stated,
    alterations,
    cable_questions,
    held_out,
    passage_questions,
    public_questions,
    sample,
    statements,
)

TOKENS = 4400  # of a batch, padding included


@dataclass(frozen=True, slots=True)
class Stage:
    """How much of each source a stage sees: a number of the public questions, and passes over the rest; `rate` is its
    highest learning rate. `altered`: passes over sentences made false by one change."""

    rate: float
    public: int
    passages: int
    cables: int
    statements: int
    altered: int


STAGES = (
    Stage(rate=3e-4, public=2_000, passages=2, cables=0, statements=1, altered=0),
    Stage(rate=2.5e-4, public=10_000, passages=0, cables=0, statements=1, altered=1),
    Stage(rate=2e-4, public=0, passages=1, cables=1, statements=2, altered=2),
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


def examples(asked: Asked | Stated, encode: PairEncoder) -> list[Example]:
    """The question with each of its passages, but for one whose answer was cut off; or the statement with its passage."""
    if isinstance(asked, Stated):
        (pair,) = encode(asked.statement, [(asked.passage.context, asked.passage.text)])
        wrong = None
        if asked.wrong is not None:
            wrong = tuple(
                n for n, (start, end) in enumerate(pair.asked, 1)
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


def batches(groups: Sequence[list[Example]], rng: random.Random) -> list[list[list[Example]]]:
    """Groups of similar length together, a question's passages never parted, in random order."""
    order = list(groups)
    rng.shuffle(order)
    found: list[list[list[Example]]] = []
    for at in range(0, len(order), 256):
        pool = sorted(order[at : at + 256], key=lambda group: max(len(one.pair.ids) for one in group))
        current: list[list[Example]] = []
        for group in pool:
            rows = [one for each in [*current, group] for one in each]
            if current and len(rows) * max(len(one.pair.ids) for one in rows) > TOKENS:
                found.append(current)
                current = []
            current.append(group)
        found.append(current)
    rng.shuffle(found)
    return found


def passes(stage: Stage, data: Path, cables: Path, rng: random.Random) -> Iterator[list[Asked | Stated]]:
    """What a stage sees, in parts of one mixture, with passages and changes drawn anew for each; what is held out is not
    among it. A statement that supports nothing or only in part is seen once: that is soon learnt."""
    public = [one for one in public_questions((data / "public").glob("*.jsonl.gz")) if len(one.passages[0].text) < 1000]
    public = rng.sample(public, stage.public)
    own = [one for one in passage_questions(data / "reader") if not held_out(one.group)]
    invented = [one for one in cable_questions(cables) if not held_out(one.group)]
    stated = [
        one for one in statements(data, cables)
        if not held_out(one.group) and (stage.cables or not one.passage.context)
    ]  # fmt: skip
    clear = [one for one in stated if one.label in ("supported", "contradicted")]
    unclear = [one for one in stated if one.label not in ("supported", "contradicted")]
    asked = [*own, *invented] if stage.cables else own
    passages = list({read: (one.group, read) for one in asked for read in map(_bare, one.passages)}.values())
    for items in (own, invented, clear, unclear, passages):
        rng.shuffle(items)
    parts = max(stage.passages, stage.cables, stage.statements)
    for n in range(parts):
        drawn: list[Asked | Stated] = []
        drawn += sample(public[n::parts], rng, most=0, easy=0.25)
        drawn += sample((own * stage.passages)[n::parts], rng, most=1, easy=0.0)
        drawn += sample((invented * stage.cables)[n::parts], rng, most=2, easy=0.15)
        drawn += (clear * stage.statements)[n::parts]
        drawn += unclear[n::parts] if stage.statements else []
        drawn += alterations((clear * stage.altered)[n::parts], (passages * stage.altered)[n::parts], rng)
        yield drawn


def _bare(read: Read) -> Read:
    return Read(read.context, read.text, ())
