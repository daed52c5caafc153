"""Trains the checker: the upper layers of a trained reader, further and apart from it, on statements alone.

    pip install -e '.[train]'
    python -m qa.reader.train_checker qa/reader/weights.safetensors --data READING_DATA --out qa/reader/checker.safetensors

Since the lower layers stay the reader's, their states are computed once and kept (4 GB of memory in bfloat16; all in all 9). A batch holds statements on the
same passages, true and false ones, so that what tells them apart is not what they are about. Two losses: support (cross-entropy over the labels) and
wrong (binary cross-entropy over a statement's tokens, where it is known which the passage does not bear out). The seed is fixed; a run
that is stopped goes on from the last whole pass. About 70 minutes on two cores with bfloat16.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from index.embed import compute_dtype, wheel_file
from qa.reader.checker import SHARED, CheckerNet, lower, save_checker
from qa.reader.checkpoint import keep, restore
from qa.reader.encode import PairEncoder, batch
from qa.reader.evidence import evidence
from qa.reader.net import ReaderNet, load_weights
from qa.reader.pairs import WRITTEN, Read, Stated, alterations
from qa.reader.plan import Example, Sources, collate, examples, grouped, sources
from qa.reader.train import AVERAGE, CABLES, SEED, wrong_loss

PASSES = 2
RATE, HEADS = 2e-4, 2.0  # highest learning rate, and how many times that of the heads
TOKENS = 4_400  # of a batch, padding included
ALTERED = 7_000  # statements and sentences changed by `qa.reader.alter`
TOGETHER = 8  # statements on one passage in a batch


def drawn(data: Sources, rng: random.Random) -> list[Stated]:
    """All supported and contradicted statements, half of the others, which are learnt sooner, and `ALTERED` others."""
    changed = alterations(data.stated, data.passages, rng)
    hard = [one for one in data.stated if one.label in ("supported", "contradicted")]
    easy = [one for one in data.stated if one.label not in ("supported", "contradicted")]
    found = [*hard, *rng.sample(easy, len(easy) // 2), *rng.sample(changed, min(ALTERED, len(changed)))]
    rng.shuffle(found)
    return found


def example(stated: Stated, encode: PairEncoder) -> Example:
    """The statement with the evidence in its passage."""
    passage = stated.passage
    read = Read(passage.context, evidence(stated.statement, passage.text), ())
    return examples(Stated(stated.statement, read, stated.label, stated.group, stated.wrong), encode)[0]


def states_of(reader: ReaderNet, made: Sequence[Example], size: int = 12) -> list[Tensor]:
    """The lower states (t, hidden) of each."""
    found: dict[int, Tensor] = {}
    order = sorted(range(len(made)), key=lambda at: len(made[at].pair.ids))
    for first in range(0, len(order), size):
        rows = order[first : first + size]
        with torch.inference_mode():
            states = lower(reader, *batch([made[at].pair for at in rows])[:3])
        found |= {at: state[: len(made[at].pair.ids)].clone() for at, state in zip(rows, states, strict=True)}
    return [found[at] for at in range(len(made))]


def batches(of: Sequence[Stated], made: Sequence[Example], number: int) -> list[list[int]]:
    """The rows of each batch of a pass, those on the same passage together, in random order."""
    same: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for at, one in enumerate(of):
        same[one.passage.context, one.passage.text].append(at)
    units = []
    for rows in same.values():
        random.Random(f"{SEED} {number} {rows[0]}").shuffle(rows)
        units += [rows[first : first + TOGETHER] for first in range(0, len(rows), TOGETHER)]
    rng = random.Random(f"{SEED} {number}")
    rng.shuffle(units)
    packed = grouped(units, TOKENS, lambda at: len(made[at].pair.ids))
    rng.shuffle(packed)
    return [[at for rows in each for at in rows] for each in packed]


def train(
    net: CheckerNet,
    of: Sequence[Stated],
    made: Sequence[Example],
    states: Sequence[Tensor],
    checkpoint: Path,
    what: str,
) -> None:
    """Trains `net` and leaves the moving average of its weights in it; goes on from `checkpoint` where there is one, and raises
    ValueError where that is not of `what`."""
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE))  # type: ignore[no-untyped-call]
    body = list(net.layer.parameters())
    heads = [value for name, value in net.named_parameters() if not name.startswith("layer.")]
    optimizer = torch.optim.AdamW(
        [{"params": body, "share": 1.0}, {"params": heads, "share": HEADS}], weight_decay=0.01, fused=True
    )
    kept: dict[str, Any] = {"net": net, "average": average, "optimizer": optimizer}
    first = restore(checkpoint, what, kept)
    net.train()
    began, seen = time.time(), 0
    running = torch.zeros(2)
    for number in range(first, PASSES):
        order = batches(of, made, number)
        for n, rows in enumerate(order):
            done = (number + n / len(order)) / PASSES
            for part in optimizer.param_groups:
                part["lr"] = RATE * part["share"] * min(done / 0.04 + 0.02, 1.0) * (1 - 0.97 * done)
            right = collate([[made[at]] for at in rows])
            padded = nn.utils.rnn.pad_sequence([states[at] for at in rows], batch_first=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=compute_dtype() is torch.bfloat16):
                support, wrong = net(padded, right.types.long(), right.mask.long())
            losses = torch.stack([nn.functional.cross_entropy(support, right.label), wrong_loss(wrong, right.wrong)])
            losses.sum().backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            average.update_parameters(net)
            running = running.lerp(losses.detach(), 0.02 if seen else 1.0)
            seen += len(rows)
            if n % 100 == 99:
                rate = seen / (time.time() - began)
                print(
                    f"{100 * done:.0f}% support {running[0]:.3f} wrong {running[1]:.3f} {rate:.0f} pairs/s", flush=True
                )
        keep(checkpoint, what, kept, number + 1)
    net.load_state_dict(average.module.state_dict())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("reader", type=Path, help="the reader's finished weights")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cables", type=Path, default=CABLES)
    parser.add_argument("--written", type=Path, default=WRITTEN)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(SEED)
    encode = PairEncoder(wheel_file("tokenizer.json").read_text(encoding="utf-8"))
    of = drawn(sources(args.data, args.cables, args.written), random.Random(SEED))
    made = [example(one, encode) for one in of]
    reader = load_weights(args.reader).eval()
    net = CheckerNet(reader)
    states = states_of(load_weights(args.reader).eval().to(compute_dtype()), made)
    name = sha256(args.reader.read_bytes()).hexdigest()
    settings = (name, PASSES, RATE, HEADS, TOKENS, ALTERED, TOGETHER, AVERAGE, SHARED, compute_dtype())
    what = sha256(repr((settings, of, [one.pair.ids for one in made])).encode()).hexdigest()
    checkpoint = args.out.with_suffix(".checkpoint")
    train(net, of, made, states, checkpoint, what)
    print(f"{args.out}: sha256 {save_checker(net, reader, args.out, name)}", flush=True)
    checkpoint.unlink()


if __name__ == "__main__":
    main()
