"""What `cable-qa check` does: checks a text of the user's own, or an exported bundle."""

from __future__ import annotations

import argparse
import json
import os
import re
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from tqdm import tqdm

from index.errors import InputError
from index.store import Store
from qa import bundle
from qa.check import check as check_text
from qa.reader.model import shipped
from qa.verify import Verifier

_BUNDLE = re.compile(r'\s*\{\s*(?:"|\}\s*$)')


def check(args: argparse.Namespace, folder: Path) -> int:
    """Prints a verdict for each sentence, and what does not hold in a bundle; 1 where something is unsupported or does not."""
    try:
        text = Path(args.text_file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{args.text_file} cannot be read: {error}.") from None
    return _bundled(args, text, folder) if _BUNDLE.match(text) else _text(args, text, folder)


def _bundled(args: argparse.Namespace, text: str, folder: Path) -> int:
    """By itself; against the index too where the call names one."""
    loaded = shipped()
    verifier, reader = Verifier(loaded), loaded.identity
    named = bool(args.index or os.environ.get("CABLE_QA_INDEX"))
    try:
        bundled = json.loads(text)
        answers = bundle.answers_of(bundled)
        with Store.open(folder) if named else nullcontext() as store:
            found = bundle.problems(bundled, verifier, store)
    except (ValueError, RecursionError, InputError) as error:
        raise InputError(f"{args.text_file} is no bundle that can be checked: {error}. Export it anew.") from None
    others = sorted({str(made.get("reader")) for _, made in answers} - {reader})
    statements = [(answer.question, one) for answer, _ in answers for one in answer.statements]
    if args.json:
        rows = [{"question": question, "text": one.text, "verdict": one.verdict, "problems": list(one.problems)}
                for question, one in statements]  # fmt: skip
        print(
            json.dumps({"problems": found, "statements": rows, "other_readers": others}, ensure_ascii=False, indent=1)
        )
    else:
        for _, one in statements:
            print(f"{one.verdict:12} {one.text}")
        for problem in found:
            print(f"does not hold: {problem}")
        if others:
            print(f"verdicts were given by another reader ({', '.join(others)}); this one is {reader}")
        where = f"and against the index in {folder}" if named else "no index was named to compare it with"
        print(
            f"{len(answers)} answers, {len(statements)} sentences: {len(found) or 'no'} problems; checked by itself, {where}."
        )
    return int(bool(found) or any(one.verdict in ("unsupported", "contradicted") for _, one in statements))


def _text(args: argparse.Namespace, text: str, folder: Path) -> int:
    with Store.open(folder) as store:
        track = partial(tqdm, unit=" sentences", desc="Checking", leave=False, disable=None)
        found = check_text(text, store, Verifier(shipped()), track)
    if args.json:
        rows = [
            {"text": one.text, "citations": [str(c) for c in one.citations], "verdict": one.verdict, "problems": list(one.problems)}
            for one in found
        ]  # fmt: skip
        print(json.dumps({"statements": rows}, ensure_ascii=False, indent=1))
    else:
        for one in found:
            print(f"{one.verdict or 'no citation':12} {one.text}")
            for problem in one.problems:
                print(f"{'':12} - {problem}")
    return int(any(one.verdict in ("unsupported", "contradicted") for one in found))
