"""Figures of merit, against values worked out by hand."""

from __future__ import annotations

import math
import random

import pytest

from qa.metrics import answer_match, interval, ndcg, recall, reciprocal_rank, success


def test_rankings() -> None:
    ranking, groups = ["a", "b", "c", "d"], [["b", "x"], ["d"]]

    assert [success(ranking, groups, k) for k in (1, 2)] == [0.0, 1.0]
    assert [recall(ranking, groups, k) for k in (1, 2, 4)] == [0.0, 0.5, 1.0]
    assert reciprocal_rank(ranking, groups) == 0.5
    assert ndcg(ranking, groups) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert (reciprocal_rank([], groups), ndcg(ranking, [["z"]])) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("answer", "gold", "aliases", "expected"),
    [
        ("There are 41 roads.", "41", (), True),
        ("There are forty roads.", "41", ("forty-one",), False),
        ("Eighteen traders were held.", "18 traders", (), True),
        ("He sold it for $1,900 in May.", "$1900", (), True),
        ("The council met.", "The fisheries council met in winter", (), False),
        ("Spratlen", "SPRATLEN", (), True),
    ],
)
def test_answer_match(answer: str, gold: str, aliases: tuple[str, ...], expected: bool) -> None:
    assert answer_match(answer, gold, aliases) is expected


def test_intervals_hold_the_true_mean_about_as_often_as_they_say() -> None:
    draw = random.Random(1)
    held = 0
    for n in range(200):
        low, high = interval([float(draw.random() < 0.7) for _ in range(60)], seed=n, rounds=300)
        held += low <= 0.7 <= high

    assert 0.88 <= held / 200 <= 0.99
