"""A run of a golden set as a folder, read:

    config.json      what the answers depend on: model, weights, prompts, code and index by their hashes; seed, warnings
    rows.jsonl       a line a question, written as it is answered: answer JSON, `type`, `figures`, `failure`,
                     `confidence`, `note`, `golden` (the row as it was) and `evidence` (its groups, as the index writes them)
    paragraphs.json  the text of each paragraph that is evidence, cited or retrieved first
    summary.json     `qa.score.summarise`
    report.html      the same for people
    judge-MODEL.json what a language model said of the answers, as lines, where one was asked; its opinions in judge-MODEL.jsonl

Flows in: a folder. Flows out: a Run. `qa.evaluate` makes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.cable import Citation
from index.errors import InputError
from qa.result import citation_of
from qa.score import Record, Summary

NEAREST = 3  # retrieved paragraphs of a question whose text is kept


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run folder, read. `paragraphs` maps `str(citation)` to its text; `judges` are the lines of each judge."""

    folder: Path
    config: dict[str, Any]
    records: list[dict[str, Any]]
    summary: Summary
    paragraphs: dict[str, str]
    judges: tuple[list[str], ...] = ()


def load_run(folder: Path) -> Run:
    """A finished run. Raises InputError where `folder` holds none, or one that was stopped."""
    try:
        config = read_json(folder / "config.json")
        lines = (folder / "rows.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        if not (folder / "summary.json").exists() and len(lines) <= config["questions"]:
            raise InputError(
                f"The run in {folder} was stopped after {len(lines)} of {config['questions']} questions. "
                "Call `cable-qa evaluate` as before: it goes on from there."
            )
        records, summary = [json.loads(line) for line in lines], read_json(folder / "summary.json")
        judges = tuple(read_json(path)["lines"] for path in sorted(folder.glob("judge-*.json")))
        return Run(folder, config, records, summary, read_json(folder / "paragraphs.json"), judges)
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"No run in {folder}. Make one: `cable-qa evaluate GOLDEN.jsonl --index DIR --out {folder}`."
        ) from None


def shown(record: Record) -> list[Citation]:
    """The paragraphs of a record that a report shows: evidence, cited, retrieved first; each once."""
    parts = [*(part for group in record["evidence"] for part in group), *record["citations"]]
    return list(dict.fromkeys(map(citation_of, [*parts, *record["retrieved"][:NEAREST]])))


def write_whole(path: Path, text: str) -> None:
    """Writes a file under a temporary name first, so that it is never there half."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def read_json(path: Path) -> Any:
    """The JSON in a file; raises OSError or ValueError."""
    return json.loads(path.read_text(encoding="utf-8"))
