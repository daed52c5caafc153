"""Keeps the questions of invented cables on which two readers agree.

    python -m qa.reader.agree WRITTEN.jsonl ANSWERS.jsonl OUT.jsonl

WRITTEN holds cables with questions and their key, ANSWERS what a second reader answered without it, a line each:
`{"id": "CABLE-qNN", "answers": [{"cable", "paragraph", "span"}]}`, NN counting the cable's questions from 00, `cable` where it is
another than the question's; follow-ups, a line each, are `f-NNN`. They agree where both
say that there is no answer, or where in each cable of the key one of the second reader's answers lies in a paragraph of the key and
shares half of the shorter one's words. A paragraph that only one of them names as answering is recorded as `unsure` (`CABLE NUMBER`
where it is of another cable): it is neither trained on as answering nor as a trap. Cross questions (with a `cable` in their key)
that were not asked again stay.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def agrees(key: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]], own: str = "") -> bool:
    """Whether the two readers' answers are the same in substance; `own`: the cable of an answer that names none."""
    if not key or not second:
        return not key and not second
    same = {
        _place(a, own)[0]
        for a in key
        for b in second
        if _place(a, own) == _place(b, own) and _share(a["span"], b["span"]) >= 0.5
    }
    return same == {_place(a, own)[0] for a in key}


def _place(answer: dict[str, Any], own: str) -> tuple[str, str]:
    return answer.get("cable", own), answer["paragraph"]


def _share(one: str, other: str) -> float:
    a, b = ({word.strip(".,;:()\"'") for word in text.lower().split()} for text in (one, other))
    return len(a & b) / max(1, min(len(a), len(b)))


def main() -> None:
    written, answers, out = map(Path, sys.argv[1:])
    second: dict[str, list[dict[str, str]]] = {
        row["id"]: row["answers"] for row in map(json.loads, answers.read_text(encoding="utf-8").splitlines())
    }
    rows = [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()]
    asked = kept = 0
    with out.open("w", encoding="utf-8") as file:
        for n, row in enumerate(rows):
            if "questions" not in row:  # follow-ups, a line each
                own = [(f"f-{n:03d}", row)]
            else:
                own = [(f"{row['id']}-q{i:02d}", question) for i, question in enumerate(row["questions"])]
            agreed = []
            for name, question in own:
                if name in second or not any("cable" in answer for answer in question["answers"]):
                    asked += 1
                    cable = row.get("id") or row.get("cable", "")
                    if not agrees(question["answers"], second[name], cable):
                        continue
                    named = {_place(answer, cable) for answer in question["answers"]}
                    unsure = sorted({_place(answer, cable) for answer in second[name]} - named)
                    question["unsure"] = [n if of == cable else f"{of} {n}" for of, n in unsure]
                    kept += 1
                agreed.append(question)
            lines = [row | {"questions": agreed}] if "questions" in row else agreed
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    print(f"{out.name}: {kept} of {asked} questions kept ({kept / asked:.1%})")


if __name__ == "__main__":
    main()
