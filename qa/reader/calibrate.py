"""Fits `qa.rerank.CALIBRATION` for the weights that ship.

    python -m qa.reader.calibrate [--weights FILE]

Logistic regression (ridge 0.01) of whether a question is answerable on the reader's answerability of the passage that ranks
first. Over the cables of `calibration/`, which no weights are trained on, in an index of their own, searched as any index is.
Prints the weight and the constant, and the AUC of answerability on the same questions.

How many of the question's words the passage has is no second sign: where questions avoid the passage's words, as these do, it
makes up for a reader that shared words mislead, and where they use them (`benchmarks/plain.jsonl`) it refuses most answers.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from index.build import build
from index.cable import Cable, Paragraph
from index.embed import Embedder
from index.store import Store
from qa.question import read_question
from qa.reader.model import WEIGHTS, Reader
from qa.rerank import rerank
from qa.retrieve import candidates, encode_query

CABLES = Path(__file__).parent / "calibration"


def cable_of(row: dict[str, Any], number: int) -> Cable:
    """An invented cable of the training data's form as the archive would hold it, under a reference ID of its own."""
    sent = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC)
    paragraphs = tuple(Paragraph(None, p["paragraph"], p["heading"], None, p["text"]) for p in row["paragraphs"])
    name = f"{sent:%y}INVENTED{number}"
    return Cable(name, sent, row["post"], "UNCLASSIFIED", row["subject"], (), (), (), (), None, paragraphs)


def judged(rows: list[dict[str, Any]], reader: Reader) -> Iterator[tuple[float, bool]]:
    """For each question over the cables: the answerability of the passage ranked first, and whether any answers."""
    embedder = Embedder()
    with TemporaryDirectory() as folder:
        build([cable_of(row, n) for n, row in enumerate(rows, 1)], Path(folder), embedder)
        with Store.open(Path(folder)) as store:
            for question in (question for row in rows for question in row["questions"]):
                asked = read_question(question["question"])
                found = candidates(encode_query(asked.text, store, embedder), asked, store)
                best, *_ = rerank(asked.text, found, store, reader)[0]
                yield best.judgement.answers, bool(question["answers"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    rows = [json.loads(line) for file in sorted(CABLES.glob("*.jsonl")) for line in file.open(encoding="utf-8")]
    answers, answerable = map(np.array, zip(*judged(rows, Reader(args.weights)), strict=True))
    x, y = np.column_stack([answers, np.ones(len(answers))]), answerable.astype(np.float64)
    weights = np.zeros(2)
    for _ in range(50):  # Newton's method
        chance = 1 / (1 + np.exp(-x @ weights))
        curve = (x.T * (chance * (1 - chance))) @ x + 0.01 * np.eye(2)
        weights += np.linalg.solve(curve, x.T @ (y - chance) - 0.01 * weights)
    auc = (answers[y > 0][:, None] > answers[y < 1][None, :]).mean()
    print(f"CALIBRATION = ({weights[0]:.3f}, {weights[1]:.3f})  AUC {auc:.3f} of {len(y)} questions")


if __name__ == "__main__":
    main()
