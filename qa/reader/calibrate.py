"""Fits `qa.rerank.CALIBRATION` for the weights that ship.

    python -m qa.reader.calibrate [--weights FILE]

Logistic regression (ridge 0.01) of whether a question is answerable on the reader's answerability of its best passage, among those that
answer and the nearest others, seven at most; over the cables of `calibration/`, which no weights are trained on. Prints the two
numbers, and the AUC that they reach on the same questions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from qa.reader.model import WEIGHTS, Reader
from qa.reader.pairs import cable_questions

CABLES = Path(__file__).parent / "calibration"
READ = 7  # passages of a question


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    reader = Reader(parser.parse_args().weights)
    signs, answerable = [], []
    for asked in cable_questions(CABLES):
        judged = reader.judge(asked.question, [(read.context, read.text) for read in asked.passages[:READ]])
        best = max(judged, key=lambda one: one.relevance + one.answers / 2)
        signs.append((best.answers, 1.0))
        answerable.append(float(bool(asked.answering)))
    x, y = np.array(signs), np.array(answerable)
    weights = np.zeros(2)
    for _ in range(50):  # Newton's method
        chance = 1 / (1 + np.exp(-x @ weights))
        curve = (x.T * (chance * (1 - chance))) @ x + 0.01 * np.eye(2)
        weights += np.linalg.solve(curve, x.T @ (y - chance) - 0.01 * weights)
    scores = x @ weights
    auc = (scores[y > 0][:, None] > scores[y < 1][None, :]).mean()
    print(f"CALIBRATION = ({', '.join(f'{weight:.3f}' for weight in weights)})  AUC {auc:.3f} of {len(y)} questions")


if __name__ == "__main__":
    main()
