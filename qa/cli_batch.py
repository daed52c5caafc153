"""`cable-qa ask --batch`: a file of questions, answered line by line.

Flows in: the parsed arguments, and what opens the index. Flows out: a file of answer JSON. Nothing half-written stays.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from index.errors import InputError
from qa.answer import CableQA
from qa.opening import parse_filters
from qa.result import turns_of


def batch(args: argparse.Namespace, opened: Callable[[], CableQA]) -> int:
    """Writes a line of answer JSON for each line of `args.batch`, in order, to `args.out`, whole or not at all; raises InputError."""
    if not args.out:
        raise InputError("--batch needs --out OUT.jsonl.")
    try:
        lines = Path(args.batch).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{args.batch} cannot be read: {error}.") from None
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
                history = turns_of(row.get("history"))
                if not isinstance(row["question"], str):
                    raise TypeError("question is not text")
                line.encode(), json.dumps(row, ensure_ascii=False).encode()  # half a surrogate pair is no text
                rows.append((row["id"], row["question"], history))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError) as error:
                raise InputError(f"{args.batch}:{number}: needs JSON with id and question ({error}).") from None
    where = parse_filters(args.filters)
    qa = opened()
    out = Path(args.out)
    part = out.with_name(out.name + ".part")
    if not out.parent.is_dir():
        raise InputError(f"No folder {out.parent} for --out. Make it first.")
    if out.exists() and not out.is_file():
        raise InputError(f"--out {out} is no file. Name one.")
    try:
        with part.open("w", encoding="utf-8") as file:
            for id_, question, history in rows:
                file.write(json.dumps(qa.answer(question, history, where).as_json(id_), ensure_ascii=False) + "\n")
        part.replace(out.resolve())
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from None
    except KeyboardInterrupt:
        part.unlink(missing_ok=True)
        raise InputError(f"Stopped; {out} is not written.") from None
    return 0
