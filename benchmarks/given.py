"""A run folder of answers that another version of this program, or another program, gave.

    python -m benchmarks.given GOLDEN.jsonl ANSWERS.jsonl --index DIR --out RUN

ANSWERS.jsonl: the answer JSON a line, as `cable-qa ask --batch GOLDEN.jsonl --out ANSWERS.jsonl` writes it. The run can be
compared with any other of the same golden set (`cable-qa evaluate --compare`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from index.store import Filter
from qa.answer import CableQA, open_qa
from qa.evaluate import run
from qa.golden import load_golden
from qa.provenance import short_hash
from qa.result import Answer, Turn


class Given(CableQA):
    """Answers what it was given: `answers` by question and the questions before it. What made them is not known, but that `model`
    names their file; nor is their confidence: 1, or 0 where they abstain."""

    def __init__(self, qa: CableQA, answers: Mapping[tuple[str, ...], Answer], model: str) -> None:
        self.__dict__ |= qa.__dict__
        self.answers, self.model, self.reader = answers, model, SimpleNamespace(identity="unknown")  # type: ignore[assignment]

    def answer(self, question: str, history: Sequence[Turn] = (), where: Filter = Filter()) -> Answer:
        found = self.answers[question, *(turn.question for turn in history)]
        return replace(found, confidence=float(not found.abstained))


def note_of(row: dict[str, Any]) -> str:
    """What an answer says before its first statement."""
    if not row["statements"]:
        return ""
    before, first, _ = row["answer"].partition(f"{row['statements'][0]['text']} [")
    return str(before.strip()) if first else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("golden", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    raw = args.answers.read_bytes()
    answers = {row["id"]: Answer.from_kept({"note": note_of(row)} | row) for row in map(json.loads, raw.splitlines())}
    qa = open_qa(args.index)
    rows = load_golden(args.golden, qa.store)
    by_question = {(row.question, *(asked for asked, _ in row.history)): answers[row.id] for row in rows}
    given = Given(qa, by_question, f"answers in {args.answers.name} ({short_hash(raw)})")
    run(given, rows, args.out, golden=args.golden.name)
    print(args.out / "report.html")


if __name__ == "__main__":
    main()
