"""How well a question of two parts is answered where one of them has no answer in the cables, and where both have.

    python -m benchmarks.parts --index DIR [--rows FILE]

`benchmarks/parts.jsonl` over an index of the sample corpus: 48 questions of which one part is answered (`silent`: the words of the
other), 24 of which both are. Named: the answer says that nothing was found for the silent part, and for no other. Answered: the
evidence of what is answered is cited. Beside the point: something else is cited too. 95% bootstrap intervals.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from qa.answer import open_qa
from qa.golden import load_golden
from qa.metrics import interval
from qa.parts import parts_of

GOLDEN = Path(__file__).parent / "parts.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--index", type=Path, required=True, help="an index of the sample corpus")
    parser.add_argument("--rows", type=Path, help="write each question with what became of it here")
    args = parser.parse_args()
    qa = open_qa(args.index)
    found = []
    for row in load_golden(GOLDEN, qa.store):
        silent = row.raw["silent"]
        answer = qa.answer(row.question)
        said = [part for part in parts_of(row.question) if part.rstrip("?") in answer.note]
        of_silent = [
            part
            for part in said
            if silent
            and (part.rstrip("?").lower() in f"{silent} ".lower() or silent.rstrip("?.,; ").lower() in part.lower())
        ]
        cited = {one.citation for one in answer.citations}
        evidence = set().union(*row.groups)
        found.append({
            "id": row.id, "type": row.type, "question": row.question, "note": answer.note, "cited": sorted(map(str, cited)),
            "abstained": answer.abstained, "parted": len(parts_of(row.question)) > 1,
            "named": bool(silent) and bool(of_silent) and said == of_silent, "named wrongly": bool(said) and said != of_silent,
            "answered": all(cited & set(group) for group in row.groups), "beside the point": bool(cited - evidence),
        })  # fmt: skip
    for type_ in dict.fromkeys(one["type"] for one in found):
        own = [one for one in found if one["type"] == type_]
        print(f"{type_}: {len(own)} questions")
        for name in ("parted", "named", "named wrongly", "answered", "beside the point", "abstained"):
            values = [float(one[name]) for one in own]
            low, high = interval(values)
            print(f"  {name:18} {sum(values) / len(values):.3f} [{low:.3f}, {high:.3f}]")
    if args.rows:
        args.rows.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found), encoding="utf-8")


if __name__ == "__main__":
    main()
