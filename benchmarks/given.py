"""A run folder of answers that another version of this program, or another program, gave.

    python -m benchmarks.given GOLDEN.jsonl ANSWERS.jsonl --index DIR --out RUN

ANSWERS.jsonl: the answer JSON a line, as `cable-qa ask --batch GOLDEN.jsonl --out ANSWERS.jsonl` writes it. The run can be
compared with any other of the same golden set (`cable-qa evaluate --compare`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from index.store import Filter
from qa.answer import CableQA, open_qa
from qa.evaluate import run
from qa.golden import load_golden
from qa.result import Answer, Turn


class Given(CableQA):
    """Answers what it was given: `answers` by question."""

    def __init__(self, qa: CableQA, answers: dict[str, Answer], name: str) -> None:
        self.__dict__ |= qa.__dict__
        self.answers, self.model = answers, f"answers of {name}"

    def answer(self, question: str, history: Sequence[Turn] = (), where: Filter = Filter()) -> Answer:
        return self.answers[question]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("golden", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    answers = [json.loads(line) for line in args.answers.read_text(encoding="utf-8").splitlines()]
    by_question = {row["question"]: Answer.from_kept({"note": ""} | row) for row in answers}
    given = Given(open_qa(args.index), by_question, args.answers.name)
    run(given, load_golden(args.golden), args.out, golden=args.golden.name)
    print(args.out / "report.html")


if __name__ == "__main__":
    main()
