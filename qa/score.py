"""From answers to golden rows to figures: of one question, of all of them, and where each failure lies.

Flows in: GoldenRows with their Answers; then records (a row of a run: answer JSON, `type`, `figures`, `failure`). Flows
out: figures, and a summary with intervals. Writes nothing, runs nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from index.errors import InputError
from qa import metrics
from qa.golden import GoldenRow
from qa.metrics import Statistic, interval, percentile
from qa.parts import PART_READ, parts_of
from qa.rerank import READ
from qa.result import Answer

Record = Mapping[str, Any]
Summary = dict[str, dict[str, dict[str, float]]]

RANKING: dict[str, Callable[..., float]] = {
    "success@1": partial(metrics.success, k=1),
    "success@5": partial(metrics.success, k=5),
    "recall@5": partial(metrics.recall, k=5),
    "recall@10": partial(metrics.recall, k=10),
    "completeness@5": partial(metrics.completeness, k=5),
    "completeness@10": partial(metrics.completeness, k=10),
    "MRR": metrics.reciprocal_rank,
    "nDCG@10": metrics.ndcg,
}
CITING: dict[str, Callable[..., float]] = {
    "citation_precision": metrics.citation_precision,
    "citation_recall": metrics.citation_recall,
}
LOWER_IS_BETTER = ("false_abstention", "false_doubt", "ms")
STAGES = ("rewrite", "retrieve", "read", "generate", "verify", "total")
FIGURES = (
    "answer_match", "token_f1", *CITING, "supported", "abstention", "false_abstention", "doubt", "false_doubt", *RANKING,
    *(f"cable_{name}" for name in (*CITING, *RANKING)), "ms",
)  # fmt: skip
FAILURES = {
    "not retrieved": "a group of its evidence is not among the paragraphs retrieved",
    "ranked low": f"its evidence is retrieved, part of it below the first {READ} paragraphs, which are read until one answers (a few more where a question has parts)",
    "wrongly abstained": "its evidence ranked among those, was read, and nothing was answered",
    "read wrongly": "its evidence ranked among those, and the answer expected does not stand in the answer",
    "cited wrongly": "the answer is right, but part of its evidence is not cited, or most citations are no evidence",
    "wrongly answered": "the cables do not answer it, and it was answered",
}
FEW = "95% intervals by bootstrap: too narrow where n is below 20, and of no width where all values are equal"
_MARKER = re.compile(r"\[\d+\]")
_REQUIREMENT = re.compile(r"\s*([\w@.]+)\s*(>=|<=)\s*(\d*\.?\d+)\s*$")


def figures_of(row: GoldenRow, answer: Answer) -> dict[str, float]:
    """The figures of one answered question, in the order of `FIGURES`; which there are depends on the row.

    Unanswerable: `abstention`. Answerable: all others; `answer_match` and `token_f1` where it has a golden answer.
    `supported` wherever something was answered, and there `doubt`, whether a wrong answer says that it may be one, or
    `false_doubt`, whether a right one does (right: it has the golden answer, or, where there is none, cites all evidence);
    `ms` always.
    """
    found = {"ms": answer.timings_ms["total"]}
    if not answer.abstained:
        found["supported"] = metrics.supported([one.verdict for one in answer.statements])
    if not row.answerable:
        found["abstention"] = float(answer.abstained)
        if not answer.abstained:
            found["doubt"] = float(answer.doubtful)
        return found
    ranking = [hit.citation for hit in answer.retrieved]
    cited = list(dict.fromkeys(one.citation for one in answer.citations))
    ranked_cables, cable_groups = metrics.by_cable(ranking, row.groups)
    cited_cables, _ = metrics.by_cable(cited, row.groups)
    found |= {name: figure(ranking, row.groups) for name, figure in RANKING.items()}
    found |= {f"cable_{name}": figure(ranked_cables, cable_groups) for name, figure in RANKING.items()}
    found |= {name: figure(cited, row.groups) for name, figure in CITING.items()}
    found |= {f"cable_{name}": figure(cited_cables, cable_groups) for name, figure in CITING.items()}
    found["false_abstention"] = float(answer.abstained)
    if row.answer:
        said = "" if answer.abstained else _MARKER.sub("", answer.said)
        short = "; ".join(one.text for one in answer.statements if one.short)
        found["answer_match"] = float(metrics.answer_match(said, row.answer, row.aliases))
        found["token_f1"] = metrics.token_f1(short or said, row.answer, row.aliases)
    if not answer.abstained:
        right = found.get("answer_match", found["citation_recall"]) == 1
        found["false_doubt" if right else "doubt"] = float(answer.doubtful)
    return {name: found[name] for name in FIGURES if name in found}


def failure(row: GoldenRow, answer: Answer) -> str:
    """Where an answer went wrong, one of `FAILURES`, or an empty string where it did not."""
    if not row.answerable:
        return "" if answer.abstained else "wrongly answered"
    figures = figures_of(row, answer)
    ranking = [hit.citation for hit in answer.retrieved]
    if not metrics.completeness(ranking, row.groups, len(ranking)):
        return "not retrieved"
    low = not metrics.completeness(ranking, row.groups, READ + PART_READ * len(parts_of(answer.rewritten_question)))
    if answer.abstained:
        return "ranked low" if low else "wrongly abstained"
    if figures["citation_recall"] < 1 and low:
        return "ranked low"
    if not figures.get("answer_match", 1.0):
        return "read wrongly"
    return "cited wrongly" if figures["citation_recall"] < 1 or figures["citation_precision"] < 0.5 else ""


def summarise(records: Sequence[Record]) -> Summary:
    """Maps each figure to its mean, 95% bootstrap interval and count, under `all` and under each question type.

    `all` also has `{stage}_ms_p50` and `_p95`, whose `mean` is that percentile of the milliseconds of a stage.
    """
    types = dict.fromkeys(record["type"] for record in records)
    groups = {"all": records} | {kind: [r for r in records if r["type"] == kind] for kind in types if kind != "all"}
    summary: Summary = {}
    for kind, own in groups.items():
        columns = {name: [r["figures"][name] for r in own if name in r["figures"]] for name in FIGURES}
        summary[kind] = {name: _figure(values) for name, values in columns.items() if values}
    for stage in STAGES:
        times = [record["timings_ms"].get(stage, 0.0) for record in records]
        if any(times):
            for q in (50, 95):
                summary["all"][f"{stage}_ms_p{q}"] = _figure(times, percentile(q))
    return summary


def _figure(values: Sequence[float], statistic: Statistic = np.mean) -> dict[str, float]:
    low, high = interval(values, statistic=statistic)
    return {
        "mean": round(float(statistic(values)), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "n": len(values),
    }


def table(summary: Summary) -> Iterator[str]:
    """The summary as lines of text."""
    yield FEW
    for kind, figures in summary.items():
        yield f"{kind}"
        for name, figure in figures.items():
            yield f"  {name:24} {figure['mean']:9.3f}  [{figure['low']:.3f}, {figure['high']:.3f}]  n={figure['n']}"


def failures(records: Sequence[Record]) -> dict[str, int]:
    """How many questions failed where, in the order of `FAILURES`; those that did not are left out."""
    counts = Counter(record["failure"] for record in records)
    return {name: counts[name] for name in FAILURES if counts[name]}


def read_requirement(text: str) -> tuple[str, str, float]:
    """(figure, `>=` or `<=`, bound) of a requirement such as `MRR>=0.8`; InputError where it cannot be read."""
    match = _REQUIREMENT.match(text)
    if not match or not (match[1] in FIGURES or re.fullmatch(rf"({'|'.join(STAGES)})_ms_p(50|95)", match[1])):
        raise InputError(f"--require {text!r} names no figure. Write NAME>=X with one of {', '.join(FIGURES)}.")
    return match[1], match[2], float(match[3])


def unmet(summary: Summary, requirements: Sequence[str]) -> list[str]:
    """The requirements, such as `MRR>=0.8`, that the overall figures do not meet, each as a line.

    Raises InputError where one cannot be read, or names a figure that no question of the set has.
    """
    failed = []
    for text in requirements:
        name, sign, bound = read_requirement(text)
        if name not in summary["all"]:
            if name in ("doubt", "false_doubt"):
                continue  # no answer was wrong, or none right
            raise InputError(f"--require {text!r}: no question of this set has {name}. Leave it out.")
        mean = summary["all"][name]["mean"]
        if not (mean >= bound if sign == ">=" else mean <= bound):
            failed.append(f"{name} is {mean}, required {sign} {bound}")
    return failed


def abstention_curve(records: Sequence[Record]) -> list[tuple[float, float, float]]:
    """(threshold, precision, recall) of answering, were each question with `confidence` at or above the threshold answered.

    Precision: share of the answered that the cables answer; recall: share of those that they answer that is answered. One
    point for each confidence, highest threshold first; empty where all or none are answerable.
    """
    known = sorted(((r["confidence"], r["golden"]["answerable"]) for r in records), reverse=True)
    wanted = sum(answerable for _, answerable in known)
    points: dict[float, tuple[float, float, float]] = {}
    right = 0
    for answered, (confidence, answerable) in enumerate(known, 1):
        right += answerable
        points[confidence] = (confidence, right / answered, right / wanted if wanted else 0.0)
    return list(points.values()) if 0 < wanted < len(known) else []


def answering(records: Sequence[Record]) -> tuple[float, float]:
    """(precision, recall) of answering as it was done; see `abstention_curve`."""
    answered = [r["golden"]["answerable"] for r in records if not r["abstained"]]
    wanted = sum(r["golden"]["answerable"] for r in records)
    return (sum(answered) / len(answered) if answered else 0.0), (sum(answered) / wanted if wanted else 0.0)
