"""Runs a golden set and writes what came out.

Flows in: a CableQA and golden rows. Flows out: a run folder with `config.json`, `rows.jsonl` (answer JSON and
figures of each question) and `summary.json`. Knows nothing of models.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from index.errors import InputError
from qa.answer import CableQA
from qa.golden import GoldenRow, groups_found, relevant
from qa.metrics import answer_match, interval, ndcg, recall, reciprocal_rank, success
from qa.result import Answer, Turn

_REQUIREMENT = re.compile(r"\s*([\w@.]+)\s*(>=|<=)\s*(\d*\.?\d+)\s*$")


def figures_of(row: GoldenRow, answer: Answer) -> dict[str, float]:
    """The figures of one answered question; which there are depends on whether it is answerable."""
    if not row.answerable:
        return {"abstention": float(answer.abstained)}
    ranking = [hit.citation for hit in answer.retrieved]
    groups = list(row.evidence.values())
    cited = list(dict.fromkeys(one.citation for one in answer.citations))
    return {
        "success@1": success(ranking, groups, 1),
        "success@5": success(ranking, groups, 5),
        "recall@10": recall(ranking, groups, 10),
        "MRR": reciprocal_rank(ranking, groups),
        "nDCG@10": ndcg(ranking, groups),
        "answer_match": float(answer_match(answer.answer, row.answer, row.aliases) and not answer.abstained),
        "citation_precision": fmean(float(c in relevant(row)) for c in cited) if cited else 0.0,
        "citation_recall": groups_found(row, cited) / len(groups),
        "false_abstention": float(answer.abstained),
    }


def failure(row: GoldenRow, answer: Answer) -> str:
    """Where an answer went wrong, or an empty string where it did not.

    `answered`: an unanswerable question was. `abstained`: an answerable one was not, though its evidence was retrieved.
    `not retrieved`: a group of its evidence is not among the paragraphs retrieved. `not cited`: it is, and no paragraph
    of it is cited. `cited beside`: all evidence is cited and most of the citations are not evidence. `read wrongly`: the
    evidence is cited and the gold answer does not stand in the answer.
    """
    if not row.answerable:
        return "" if answer.abstained else "answered"
    figures = figures_of(row, answer)
    ranking = [hit.citation for hit in answer.retrieved]
    if recall(ranking, list(row.evidence.values()), len(ranking)) < 1:
        return "not retrieved"
    if answer.abstained:
        return "abstained"
    if figures["citation_recall"] < 1:
        return "not cited"
    if not figures["answer_match"]:
        return "read wrongly"
    return "cited beside" if figures["citation_precision"] < 0.5 else ""


def run(
    qa: CableQA, rows: Sequence[GoldenRow], out: Path, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Answers every row, writes the run folder `out` (made if need be) and returns the summary.

    The summary maps each figure to its mean, 95% bootstrap interval and count, overall and by question type.
    """
    out.mkdir(parents=True, exist_ok=True)
    counts = qa.store.counts()
    (out / "config.json").write_text(
        json.dumps({"model": qa.model, "index": counts, "questions": len(rows)}, indent=1) + "\n"
    )
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with (out / "rows.jsonl").open("w", encoding="utf-8") as file:
        for n, row in enumerate(rows, 1):
            answer = qa.answer(row.question, [Turn(q, a) for q, a in row.history])
            own = figures_of(row, answer) | {"ms": answer.timings_ms["total"]}
            for name, value in own.items():
                values["all"][name].append(value)
                values[row.type][name].append(value)
            file.write(
                json.dumps(
                    answer.as_json(row.id) | {"type": row.type, "figures": own, "failure": failure(row, answer)},
                    ensure_ascii=False,
                )
                + "\n"
            )
            if progress:
                progress(n, len(rows))
    summary = {
        kind: {name: _figure(list_) for name, list_ in sorted(by_name.items())} for kind, by_name in values.items()
    }  # fmt: skip
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    return summary


def _figure(values: Sequence[float]) -> dict[str, float]:
    low, high = interval(values)
    return {"mean": round(fmean(values), 4), "low": round(low, 4), "high": round(high, 4), "n": len(values)}


def table(summary: dict[str, Any]) -> Iterator[str]:
    """The summary as lines of text."""
    for kind, figures in summary.items():
        yield f"{kind}"
        for name, figure in figures.items():
            yield f"  {name:20} {figure['mean']:8.3f}  [{figure['low']:.3f}, {figure['high']:.3f}]  n={figure['n']}"


def unmet(summary: dict[str, Any], requirements: Sequence[str]) -> list[str]:
    """The requirements, such as `MRR>=0.8`, that the overall figures do not meet, each as a line.

    Raises InputError where one cannot be read or names no figure.
    """
    failed = []
    for text in requirements:
        match = _REQUIREMENT.match(text)
        if not match or match[1] not in summary["all"]:
            raise InputError(
                f"--require {text!r} names no figure. Write NAME>=X with one of {', '.join(summary['all'])}."
            )
        mean, bound = summary["all"][match[1]]["mean"], float(match[3])
        if not (mean >= bound if match[2] == ">=" else mean <= bound):
            failed.append(f"{match[1]} is {mean}, required {match[2]} {bound}")
    return failed
