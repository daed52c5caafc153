"""From what a call says to an open index: its folder, filters, and the index itself, built where there is none.

Flows in: arguments of the command line. Flows out: a CableQA. Heavy modules are imported when they are needed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import IndexMissing, InputError

if TYPE_CHECKING:
    from index.store import Filter
    from qa.answer import CableQA
    from qa.result import Turn

DEFAULT_INDEX = "data/index"


def folder_of(args: argparse.Namespace) -> Path:
    """The index folder of a call."""
    return Path(args.index or os.environ.get("CABLE_QA_INDEX") or DEFAULT_INDEX)


def parse_filters(filters: Iterable[str]) -> Filter:
    """`["origin=Embassy X", "from=2009-01-01"]` -> Filter; InputError names the one that cannot be read.

    What is given several times, other than a day, admits the cables of each.
    """
    from index.store import Filter

    values: dict[str, Any] = {}
    names = {"origin": "origin", "classification": "classification", "tag": "tag", "cable": "cables"}
    for text in filters:
        name, _, value = str(text).partition("=")
        if name in ("from", "to") and value:
            if f"sent_{name}" in values:
                raise InputError(f"--filter {text!r} is a second {name}=. Name one day.")
            try:
                values[f"sent_{name}"] = date.fromisoformat(value)
            except ValueError:
                raise InputError(f"--filter {text!r} has no day. Write it as {name}=2009-12-31.") from None
        elif name in names and value:
            values[names[name]] = (*values.get(names[name], ()), value.upper() if name in ("tag", "cable") else value)
        else:
            raise InputError(
                f"--filter {text!r} is not known. Use origin=, classification=, tag=, from=, to= or cable=."
            )
    return Filter(**values)


def read_call(question: Any, history: Any, filters: Any) -> tuple[str, list[Turn], Filter]:
    """What a call of the page's API asks; InputError names the part of it that cannot be used."""
    from qa.result import turns_of

    if not isinstance(question, str):
        raise InputError("question is not text.")
    if not isinstance(filters or [], list):
        raise InputError('filters is not a list. Write it as ["tag=ECON", "from=2009-12-31"].')
    try:
        json.dumps([question, history, filters], ensure_ascii=False).encode()
    except ValueError:
        raise InputError("question, history or filters have half a character. Write it whole.") from None
    return question, turns_of(history), parse_filters(filters or [])


def build_index(paths: Sequence[Path], folder: Path, embedding_model: str | None = None) -> str:
    """Makes or updates the index in `folder`, with a progress bar on stderr; returns the report as a line.

    Raises InputError where the paths hold no cable at all.
    """
    from tqdm import tqdm

    from index.build import build
    from index.corpus import Corpus
    from index.embed import Embedder, identity_of

    corpus = Corpus(paths)
    streamed = any(
        file.suffix.lower() == ".csv" for path in paths for file in ([path] if path.is_file() else path.rglob("*.csv"))
    )
    cables = corpus if streamed else list(corpus)
    if not streamed and not cables:
        for problem in corpus.problems:
            print(problem, file=sys.stderr)
        raise InputError(f"No cable in {', '.join(map(str, paths))}.")
    total = None if streamed else len(list(cables))
    with tqdm(total=total, unit=" cables", desc="Indexing", file=sys.stderr, disable=None) as bar:

        def progress(done: int, embedded: int) -> None:
            bar.set_postfix_str(f"{embedded} passages embedded", refresh=False)
            bar.update(done - bar.n)

        report = build(
            cables, folder, lambda: Embedder(embedding_model), identity_of(embedding_model),
            roots=corpus.roots, progress=progress,
        )  # fmt: skip
    for problem in corpus.problems:
        print(problem, file=sys.stderr)
    return (
        f"{corpus.cables} cables read: {report.added} added, {report.changed} changed, {report.removed} removed, {report.unchanged} unchanged; "
        f"{report.embedded} passages embedded in {report.seconds:.1f} s; {len(corpus.problems)} problems"
    )


def open_or_build(args: argparse.Namespace) -> CableQA:
    """The index of the call; where none was named and none is there, one of the sample corpus is built first."""
    from qa.answer import open_qa

    folder = folder_of(args)
    if not args.index:
        _sample_where_none(folder)
    return open_qa(folder, getattr(args, "model", "quotes"))


def _sample_where_none(folder: Path) -> None:
    """Builds the index of the sample corpus, or goes on with it; raises IndexMissing where one of other cables was begun."""
    from index.corpus import SAMPLE
    from index.embed import identity_of
    from index.store import Store

    try:
        Store.open(folder).close()
    except IndexMissing:
        with Store.create(folder, identity_of(None)) as store:
            if any(not Path(source).is_relative_to(SAMPLE.resolve()) for _, source, _ in store.known().values()):
                raise
        print(f"No index in {folder}: building one from the sample corpus (invented cables).", file=sys.stderr)
        print(build_index([SAMPLE], folder), file=sys.stderr)
