"""What the trained reader makes of questions that it was never trained on.

    python -m benchmarks.reader --data READING_DATA [--weights FILE]

Held-out passages (a fifth, with all their questions): span F1 over the answerable, share whose sentence is right, and AUC
of answerable against not, each question with its own passage. Held-out invented cables: each question with every paragraph
of its cable; success@1 and AUC of the best paragraph's answerability, which is what abstention goes by. Last: passages read
per second against the network's bare forward pass on the same tokens. 95% bootstrap intervals, resampled by passage or cable.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean

import torch

from index.passage import sentences
from qa.metrics import token_f1
from qa.reader.encode import batch
from qa.reader.model import WEIGHTS, Judgement, Reader
from qa.reader.pairs import Asked, cable_questions, held_out, passage_questions
from qa.reader.train import CABLES

Row = dict[str, float]


def auc(rows: Sequence[Row]) -> float:
    """The probability that a question with an answer scores above one without (Hanley and McNeil, 1982); ties count half."""
    right = [row["score"] for row in rows if row["answerable"]]
    wrong = sorted(row["score"] for row in rows if not row["answerable"])
    if not right or not wrong:
        return float("nan")
    return fmean((bisect_left(wrong, r) + bisect_right(wrong, r)) / 2 for r in right) / len(wrong)


def over_passage(asked: Asked, judged: Sequence[Judgement]) -> Row:
    """The figures of a question on its own passage."""
    own, judgement = asked.passages[0], judged[0]
    row = {"answerable": float(bool(own.spans)), "score": judgement.answers}
    if own.spans and judgement.spans:
        best, gold = judgement.spans[0], own.spans[0]
        row["f1"] = token_f1(own.text[best.start : best.end], own.text[slice(*gold)])
        row["sentence"] = float(
            any(s < best.end and best.start < e and s < gold[1] and gold[0] < e for s, e in sentences(own.text))
        )
    elif own.spans:
        row |= {"f1": 0.0, "sentence": 0.0}
    return row


def over_cable(asked: Asked, judged: Sequence[Judgement]) -> Row:
    """The figures of a question on all paragraphs of its cable."""
    best = max(range(len(judged)), key=lambda n: judged[n].relevance + judged[n].answers / 2)
    row = {"answerable": float(bool(asked.answering)), "score": max(one.answers for one in judged)}
    if asked.answering:
        row["success@1"] = float(bool(asked.passages[best].spans))
    return row


def interval(rows: dict[str, list[Row]], figure: Callable[[Sequence[Row]], float], rounds: int = 400) -> str:
    """The figure over all rows and its interval, resampling whole groups."""
    draw, groups = random.Random(0), list(rows.values())
    values = sorted(
        figure([row for group in draw.choices(groups, k=len(groups)) for row in group]) for _ in range(rounds)
    )
    whole = figure([row for group in groups for row in group])
    return f"{whole:.3f} [{values[int(0.025 * rounds)]:.3f}, {values[int(0.975 * rounds) - 1]:.3f}]"


def mean_of(name: str) -> Callable[[Sequence[Row]], float]:
    return lambda rows: fmean(row[name] for row in rows if name in row)


def throughput(reader: Reader, asked: Sequence[Asked]) -> tuple[float, float]:
    """Passages per second through `judge`, and through the bare network, each pair alone on a core of its own."""
    pairs = [reader.encode(one.question, [(read.context, read.text) for read in one.passages[:12]]) for one in asked]
    total = sum(map(len, pairs))
    began = time.perf_counter()
    for one in asked:
        reader.judge(one.question, [(read.context, read.text) for read in one.passages[:12]])
    whole = total / (time.perf_counter() - began)
    ready = [batch([pair]) for each in pairs for pair in each]
    began = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        list(pool.map(lambda tensors: _forward(reader, tensors), ready))
    return whole, total / (time.perf_counter() - began)


def _forward(reader: Reader, tensors: Sequence[torch.Tensor]) -> None:
    with torch.inference_mode():
        reader.net(*tensors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds reader/passages.jsonl")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    reader = Reader(args.weights)
    print(f"reader {reader.identity}, {reader.numbers}")

    rows: dict[str, list[Row]] = defaultdict(list)
    for one in passage_questions(args.data / "reader", nearest=0):
        if held_out(one.group):
            rows[one.group].append(over_passage(one, reader.judge(one.question, [("", one.passages[0].text)])))
    print(f"held-out passages: {len(rows)}, {sum(map(len, rows.values()))} questions")
    for label, figure in (("span F1", mean_of("f1")), ("right sentence", mean_of("sentence")), ("answerable AUC", auc)):
        print(f"  {label:16} {interval(rows, figure)}")

    asked = [one for one in cable_questions(CABLES) if held_out(one.group)]
    rows = defaultdict(list)
    for one in asked:
        judged = reader.judge(one.question, [(read.context, read.text) for read in one.passages])
        rows[one.group].append(over_cable(one, judged))
    print(
        f"held-out cables: {len(rows)}, {len(asked)} questions, each over {fmean(len(one.passages) for one in asked):.0f} paragraphs"
    )
    for label, figure in (("success@1", mean_of("success@1")), ("answerable AUC", auc)):
        print(f"  {label:16} {interval(rows, figure)}")

    whole, bare = throughput(reader, asked[:12])
    print(f"passages read per second: {whole:.1f}, {whole / bare:.2f} of the network's bare forward pass ({bare:.1f})")


if __name__ == "__main__":
    main()
