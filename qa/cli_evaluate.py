"""What `cable-qa evaluate` does: runs a golden set, or compares two runs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import InputError

if TYPE_CHECKING:
    from qa.answer import CableQA
    from qa.models import Model

DOUBTS = 20  # warnings that are printed; all are kept in the run


def evaluate(args: argparse.Namespace, open_index: Callable[[], CableQA]) -> int:
    """Runs `args.golden`, or compares `args.compare`; 1 where a requirement is not met."""
    if args.compare:
        return _compare(args)
    if not args.golden or not args.out:
        raise InputError(
            "evaluate needs GOLDEN.jsonl and --out RUN_DIR, or --compare RUN_A RUN_B. "
            "Example: cable-qa evaluate golden.jsonl --out runs/today"
        )
    from tqdm import tqdm

    from qa.evaluate import run
    from qa.golden import doubts, load_golden
    from qa.runs import load_run
    from qa.score import failures, read_requirement, table, unmet

    for text in args.require:
        read_requirement(text)
    judge = _judge_of(args.judge) if args.judge else None
    qa = open_index()
    rows = load_golden(Path(args.golden), qa.store)
    out = Path(args.out)
    warnings = doubts(rows, qa.store)
    for line in warnings[:DOUBTS]:
        print(f"{args.golden}: {line}", file=sys.stderr)
    if len(warnings) > DOUBTS:
        print(f"{args.golden}: {len(warnings) - DOUBTS} more in {out / 'config.json'}", file=sys.stderr)
    with tqdm(total=len(rows), unit=" questions", file=sys.stderr, disable=None) as bar:
        run(qa, rows, out, lambda done, _: bar.update(done - bar.n) and None, Path(args.golden).name)
    found = load_run(out)
    if args.json:
        print(json.dumps(found.summary, indent=1))
    else:
        print("\n".join(table(found.summary)))
        print("failures: " + (", ".join(f"{n} {name}" for name, n in failures(found.records).items()) or "none"))
    print(f"Open {out / 'report.html'}", file=sys.stderr)
    failed = unmet(found.summary, args.require)
    for line in failed:
        print(f"cable-qa: {line}", file=sys.stderr)
    if judge:
        from qa.judge import agreement, judge_run, lines, report

        opinions = [
            opinion for _, opinion in tqdm(judge_run(found, judge), unit=" judged", file=sys.stderr, disable=None)
        ]
        said = list(lines(judge.spec, opinions, agreement(rows, qa.store, judge)))
        report(found, judge, said)
        print("\n".join(said), file=sys.stderr if args.json else sys.stdout)
    return int(bool(failed))


def _judge_of(spec: str) -> Model:
    from qa.models import QUOTES, check_spec, load_model

    if spec == QUOTES:
        raise InputError("--judge quotes is no language model. Name one, as for --model.")
    return load_model(check_spec(spec, "--judge"))


def _compare(args: argparse.Namespace) -> int:
    from qa.compare import compare, lines
    from qa.report import compare_report
    from qa.runs import load_run, write_whole

    if args.golden or args.require or args.judge:
        raise InputError("--compare takes two run folders, and no GOLDEN.jsonl, --require or --judge.")
    found = compare(*(load_run(Path(folder)) for folder in args.compare))
    text = json.dumps(found.as_json(), indent=1, ensure_ascii=False)
    print(text if args.json else "\n".join(lines(found)))
    if args.out:
        out = Path(args.out)
        try:
            out.mkdir(parents=True, exist_ok=True)
            write_whole(out / "compare.json", text + "\n")
            write_whole(out / "compare.html", compare_report(found))
        except OSError as error:
            raise InputError(f"{out} cannot be written: {error.strerror}. Name another --out.") from None
        print(f"Open {out / 'compare.html'}", file=sys.stderr)
    return 0
