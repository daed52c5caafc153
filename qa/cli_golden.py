"""What `cable-qa golden` does: drafts a golden set, or checks one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from index.errors import InputError
from index.store import Store
from qa.golden import doubts, load_golden, save_golden
from qa.models import QUOTES, check_spec, load_model
from qa.propose import hardness, propose


def draft(args: argparse.Namespace, folder: Path) -> int:
    """Writes proposed rows to `args.out`, for a person to accept or drop, and prints how hard they are."""
    out = Path(args.out)
    if out.exists():
        raise InputError(f"{out} is there already. Name another --out, so that nothing you wrote is lost.")
    if args.count < 1:
        raise InputError(f"--count {args.count} is too few. Ask for 1 or more.")
    model = None if check_spec(args.model) == QUOTES else load_model(args.model)
    with Store.open(folder) as store:
        drafted: list[dict[str, Any]] = []
        try:
            for row in tqdm(propose(store, args.count, args.seed, model), unit=" questions", disable=None):
                drafted.append(row)
        finally:  # a model that fails, or whoever stops it, leaves what there is
            if drafted:
                save_golden(out, drafted)
        rows = load_golden(out, store) if drafted else []
        if not rows:
            raise InputError(f"No paragraph in {folder} gave a question. Index more cables, or give another --model.")
        print(f"{len(rows)} questions in {out}. Read each: keep it, mend it, or delete its line.", file=sys.stderr)
        if len(rows) < args.count:
            print(f"No more than {len(rows)} paragraphs gave one.", file=sys.stderr)
        print(hardness(rows, store))
    return 0


def check(args: argparse.Namespace, folder: Path) -> int:
    """Prints what is doubtful about a golden set, and how hard it is; InputError where it has a fault."""
    with Store.open(folder) as store:
        rows = load_golden(Path(args.golden), store)
        for line in doubts(rows, store):
            print(line)
        print(f"{len(rows)} rows, {sum(not row.answerable for row in rows)} of them unanswerable")
        print(hardness(rows, store))
    return 0
