"""Ranks the questions of a golden set by each method alone and by all together, and prints the figures side by side.

    python -m benchmarks.retrieval GOLDEN.jsonl --index DIR

Counts answerable questions other than lookup and metadata rows, which are answered without a ranking; those are
counted by themselves: right where the first paragraph retrieved is one of the evidence.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import fmean

from qa.answer import open_qa
from qa.golden import load_golden
from qa.metrics import interval, recall, reciprocal_rank, success
from qa.question import read_question
from qa.retrieve import WEIGHTS, candidates, encode_query, paragraphs

METHODS = {
    "BM25 alone": (1.0, 0.0, 0.0),
    "dense alone": (0.0, 1.0, 0.0),
    "late interaction": (0.0, 0.0, 1.0),
    "all (default)": WEIGHTS,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("golden", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    args = parser.parse_args()
    qa = open_qa(args.index)
    rows = [row for row in load_golden(args.golden, qa.store) if row.answerable]
    ranked = [row for row in rows if row.type not in ("lookup", "metadata")]
    print(f"{len(ranked)} questions; 95% bootstrap intervals")
    print(f"{'':18} {'success@1':>22} {'success@5':>22} {'recall@10':>22} {'MRR':>22}")
    for name, weights in METHODS.items():
        figures: dict[str, list[float]] = {"s1": [], "s5": [], "r10": [], "mrr": []}
        for row in ranked:
            asked = read_question(row.question, row.history)
            query = encode_query(asked.text, qa.store, qa.embedder)
            found = candidates(query, asked, qa.store, weights=weights)
            ranking = [hit.citation for hit in paragraphs(found, 20)]
            groups = list(row.evidence.values())
            figures["s1"].append(success(ranking, groups, 1))
            figures["s5"].append(success(ranking, groups, 5))
            figures["r10"].append(recall(ranking, groups, 10))
            figures["mrr"].append(reciprocal_rank(ranking, groups))
        print(f"{name:18} " + " ".join(f"{_cell(values):>22}" for values in figures.values()))
    named = [row for row in rows if row.type in ("lookup", "metadata")]
    right = [row for row in named if qa.search(row.question, 1)[0].citation in next(iter(row.evidence.values()))]
    print(f"lookup and metadata rows: {len(right)} of {len(named)} right")


def _cell(values: list[float]) -> str:
    low, high = interval(values)
    return f"{fmean(values):.3f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
