"""The questions of a golden set that were answered wrongly, each with where it failed.

    python -m benchmarks.errors GOLDEN.jsonl --index DIR

One line a wrong row: id, type, where it failed (`qa.score.FAILURES`), the evidence, what was cited. Then the classes.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from qa.answer import open_qa
from qa.golden import load_golden
from qa.result import Turn
from qa.score import failure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("golden", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    args = parser.parse_args()
    qa = open_qa(args.index)
    rows = load_golden(args.golden, qa.store)
    classes: Counter[str] = Counter()
    for row in rows:
        answer = qa.answer(row.question, [Turn(*turn) for turn in row.history])
        where = failure(row, answer)
        classes[where or "right"] += 1
        if where:
            evidence = " + ".join("/".join(map(str, group)) for group in row.evidence.values()) or "-"
            cited = ", ".join(dict.fromkeys(str(one.citation) for one in answer.citations)) or "-"
            print(f"{row.id:22} {row.type:13} {where:17} evidence {evidence}; cited {cited}")
    print(", ".join(f"{n} {name}" for name, n in classes.most_common()) + f"; {len(rows)} rows")


if __name__ == "__main__":
    main()
