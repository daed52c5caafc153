"""What `cable-qa check` does: checks a text of the user's own, or an exported bundle."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from index.errors import IndexMissing, InputError
from index.store import Store
from qa import bundle
from qa.check import check as check_text
from qa.reader.model import SHA256, Reader
from qa.verify import Verifier


def check(args: argparse.Namespace, folder: Path) -> int:
    """Prints a verdict for each sentence, or what does not hold in a bundle; 1 where something is unsupported."""
    try:
        text = Path(args.text_file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{args.text_file} cannot be read: {error}.") from None
    bundled = _bundle(text)
    return _text(args, text, folder) if bundled is None else _bundled(args, bundled, folder)


def _bundle(text: str) -> dict[str, Any] | None:
    """The text as a bundle; None where it is no JSON object with a format."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        read = json.loads(text)
    except ValueError:
        return None
    return read if isinstance(read, dict) and "format" in read else None


def _bundled(args: argparse.Namespace, bundled: dict[str, Any], folder: Path) -> int:
    verifier = Verifier(Reader(sha256=SHA256))
    try:
        with Store.open(folder) as store:
            found = bundle.problems(bundled, verifier, store)
        against = f"by itself and against the index in {folder}"
    except IndexMissing:
        found, against = bundle.problems(bundled, verifier, None), f"by itself: there is no index in {folder}"
    if args.json:
        print(json.dumps({"problems": found}, ensure_ascii=False, indent=1))
        return int(bool(found))
    for problem in found:
        print(problem)
    made, counts = bundled.get("made_with") or {}, (len(bundled["exchanges"]), len(bundled["paragraphs"]))
    print(
        f"{counts[0]} answers over {counts[1]} paragraphs, written {bundled.get('written')} by cable-qa {made.get('version')} "
        f"with {made.get('model')}: {len(found) or 'no'} problems; checked {against}."
    )
    return int(bool(found))


def _text(args: argparse.Namespace, text: str, folder: Path) -> int:
    with Store.open(folder) as store:
        found = check_text(text, store, Verifier(Reader(sha256=SHA256)))
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
