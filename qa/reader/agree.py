"""Keeps the questions of invented cables on which two readers agree.

    python -m qa.reader.agree WRITTEN.jsonl ANSWERS.jsonl OUT.jsonl

WRITTEN holds cables with questions and their key, ANSWERS what a second reader answered without it, a line each:
`{"id": "CABLE-qNN", "answers": [{"paragraph", "span"}]}`, NN counting the cable's questions from 00. They agree where both
say that there is no answer, or where one of the second reader's answers lies in a paragraph of the key and shares half of
the shorter one's words. A paragraph that only one of them names as answering is recorded as `unsure`: it is
neither trained on as answering nor as a trap. Cross questions (with a `cable` in their key) were not asked again and stay.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def agrees(key: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]]) -> bool:
    """Whether the two readers' answers are the same in substance."""
    if not key or not second:
        return not key and not second
    return any(a["paragraph"] == b["paragraph"] and _share(a["span"], b["span"]) >= 0.5 for a in key for b in second)


def _share(one: str, other: str) -> float:
    a, b = ({word.strip(".,;:()\"'") for word in text.lower().split()} for text in (one, other))
    return len(a & b) / max(1, min(len(a), len(b)))


def main() -> None:
    written, answers, out = map(Path, sys.argv[1:])
    second = {row["id"]: row["answers"] for row in map(json.loads, answers.read_text(encoding="utf-8").splitlines())}
    asked = kept = 0
    with out.open("w", encoding="utf-8") as file:
        for cable in map(json.loads, written.read_text(encoding="utf-8").splitlines()):
            agreed = []
            for n, question in enumerate(cable["questions"]):
                if not any("cable" in answer for answer in question["answers"]):
                    asked += 1
                    own = second[f"{cable['id']}-q{n:02d}"]
                    if not agrees(question["answers"], own):
                        continue
                    named = {answer["paragraph"] for answer in question["answers"]}
                    question["unsure"] = sorted({answer["paragraph"] for answer in own} - named)
                    kept += 1
                agreed.append(question)
            file.write(json.dumps(cable | {"questions": agreed}, ensure_ascii=False) + "\n")
    print(f"{out.name}: {kept} of {asked} questions kept ({kept / asked:.1%})")


if __name__ == "__main__":
    main()
