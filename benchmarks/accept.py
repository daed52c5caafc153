"""Measures the golden sets over the sample corpus and writes what `make test` accepts from now on.

    python -m benchmarks.accept

Answers `index/sample-golden.jsonl`, whose questions avoid the cables' words, `benchmarks/plain.jsonl`, whose questions use them,
and `benchmarks/untouched.jsonl` and `benchmarks/blind.jsonl`, on which no threshold is chosen, and `benchmarks/follow-ups.jsonl`, on half of which the rules for
them were, with `quotes` over an index of the sample corpus made for the purpose, and writes tests/accepted.json: for each set the
figures measured, with what they were measured of, and the requirements, each a question's worth below its figure, since another
processor may round one question the other way. Call it when a change has made the figures better, or worse for a reason, and
commit the file with the change.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

from index.corpus import SAMPLE
from qa.answer import open_qa
from qa.evaluate import run
from qa.golden import load_golden
from qa.opening import build_index
from qa.runs import load_run, write_whole
from qa.score import LOWER_IS_BETTER, Summary

GOLDEN = (
    SAMPLE.parent / "sample-golden.jsonl",
    *(Path(__file__).parent / name for name in ("plain.jsonl", "untouched.jsonl", "blind.jsonl", "follow-ups.jsonl")),
)
ACCEPTED = Path(__file__).parent.parent / "tests" / "accepted.json"
FIGURES = (
    "answer_match", "token_f1", "citation_precision", "citation_recall", "supported", "abstention", "false_abstention", "success@1",
    "success@5", "recall@10", "completeness@5", "MRR", "nDCG@10", "cable_success@1", "cable_citation_recall",
)  # fmt: skip


def requirements(summary: Summary) -> list[str]:
    """What `cable-qa evaluate --require` takes: each figure at most a question's worth worse than it is."""
    found = []
    for name in FIGURES:
        mean, slack = summary["all"][name]["mean"], 1 / summary["all"][name]["n"] + 1e-4  # means are rounded
        if name in LOWER_IS_BETTER:
            found.append(f"{name}<={min(1.0, mean + slack):.4f}")
        else:
            found.append(f"{name}>={max(0.0, mean - slack):.4f}")
    return found


def main() -> None:
    accepted: dict[str, Any] = {"command": "python -m benchmarks.accept", "sets": {}}
    with tempfile.TemporaryDirectory() as folder:
        build_index([SAMPLE], Path(folder, "index"))
        qa = open_qa(Path(folder, "index"))
        for golden in GOLDEN:
            rows, out = load_golden(golden, qa.store), Path(folder, golden.stem)
            with tqdm(total=len(rows), unit=" questions", file=sys.stderr, disable=None) as bar:
                summary = run(qa, rows, out, lambda done, _, bar=bar: bar.update(done - bar.n) and None, golden.name)
            config = load_run(out).config
            accepted["sets"][golden.name] = {
                "of": {name: config[name] for name in ("model", "reader", "index", "golden", "questions")},
                "measured": {name: summary["all"][name]["mean"] for name in FIGURES},
                "require": requirements(summary),
            }
        qa.store.close()
    write_whole(ACCEPTED, json.dumps(accepted, indent=1) + "\n")
    for name, one in accepted["sets"].items():
        print(name, *one["require"], sep="\n  ")


if __name__ == "__main__":
    main()
