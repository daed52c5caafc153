"""Figures of merit, against values worked out by hand and against ir_measures."""

from __future__ import annotations

import math
import random

import ir_measures
import numpy as np
import pytest
from ir_measures import RR, R, Success, nDCG

from index.cable import Citation
from qa.metrics import (
    answer_match,
    by_cable,
    citation_precision,
    citation_recall,
    completeness,
    interval,
    kappa,
    ndcg,
    normalised,
    paired,
    percentile,
    recall,
    reciprocal_rank,
    success,
    supported,
    token_f1,
)


def test_rankings() -> None:
    ranking, groups = ["a", "b", "c", "d"], [["b", "x"], ["d"]]

    assert [success(ranking, groups, k) for k in (1, 2)] == [0.0, 1.0]
    assert [recall(ranking, groups, k) for k in (1, 2, 4)] == [0.0, 0.5, 1.0]
    assert [completeness(ranking, groups, k) for k in (1, 2, 3, 4)] == [0.0, 0.0, 0.0, 1.0]
    assert reciprocal_rank(ranking, groups) == 0.5
    assert ndcg(ranking, groups) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert (reciprocal_rank([], groups), ndcg(ranking, [["z"]])) == (0.0, 0.0)


def test_a_group_of_alternatives_gains_once() -> None:
    assert ndcg(["a", "b", "c"], [["a", "b"]]) == 1.0
    assert ndcg(["a", "b", "c"], [["a", "b"], ["c"]]) == pytest.approx((1 + 1 / 2) / (1 + 1 / math.log2(3)))
    assert recall(["a", "b"], [["a", "b"], ["c"]], 2) == 0.5


def test_at_cable_level() -> None:
    ranking = [Citation("09A1", None, "2"), Citation("09B2", None, "1"), Citation("09A1", None, "7"), Citation("09C3")]
    groups = [[Citation("09B2", None, "4")], [Citation("09B2", None, "5")], [Citation("09C3"), Citation("09D4")]]

    assert by_cable(ranking, groups) == (["09A1", "09B2", "09C3"], [["09B2"], ["09C3", "09D4"]])
    assert ndcg(*by_cable(ranking, groups)) == pytest.approx((1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3)))


def test_citations_and_statements() -> None:
    groups = [["a", "b"], ["c"]]

    # "a" meets both groups, so the first asks nothing more
    assert ndcg(["a", "z"], [["a", "b"], ["a"]]) == 1.0
    assert ndcg(["z", "a"], [["a", "b"], ["a"]]) == pytest.approx(1 / math.log2(3))
    assert citation_precision(["a", "z", "b", "y"], groups) == 0.5
    assert citation_recall(["a", "z", "b", "y"], groups) == 0.5
    assert (citation_precision([], groups), citation_recall([], groups)) == (0.0, 0.0)
    assert supported(["supported", "partly", "supported", "unsupported"]) == 0.5
    assert supported([]) == 1.0


def test_agreement_beyond_chance() -> None:
    # 20 both yes, 15 both no, 5 and 10 apart: observed 0.7, chance 0.5 (Cohen's kappa, worked out by hand)
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([(True, True)] * 3) == 1.0


def test_token_f1() -> None:
    assert normalised("The Council's  vote, an open one.") == ["councils", "vote", "open", "one"]
    # 2 words of 3 said, 2 of 4 wanted: precision 2/3, recall 1/2
    assert token_f1("herring quota fell", "The quota of herring boats") == pytest.approx(
        2 * (2 / 3) * 0.5 / (2 / 3 + 0.5)
    )
    assert token_f1("forty-one", "41", ["Forty-One!"]) == 1.0
    assert (token_f1("", "41"), token_f1("the", "a")) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("answer", "gold", "aliases", "expected"),
    [
        ("There are 41 roads.", "41", (), True),
        ("There are forty roads.", "41", ("forty-one",), False),
        ("Eighteen traders were held.", "18 traders", (), True),
        ("He sold it for $1,900 in May.", "$1900", (), True),
        ("The council met.", "The fisheries council met in winter", (), False),
        ("Spratlen", "SPRATLEN", (), True),
        ("They sold 14,805 tons.", "14,800 tons", (), False),
        ("It cost 100,000 crowns.", "10,000", (), False),
        ("Quotas were raised by the ministers.", "quota raised, minister", (), True),
    ],
)
def test_answer_match(answer: str, gold: str, aliases: tuple[str, ...], expected: bool) -> None:
    assert answer_match(answer, gold, aliases) is expected


def test_ir_measures_agrees_on_a_thousand_random_rankings() -> None:
    """One relevant item a group, which is what TREC's measures know; some rankings find none, some are short."""
    draw = random.Random(2)
    rankings: dict[str, list[str]] = {}
    relevant: dict[str, list[str]] = {}
    for n in range(1000):
        items = [f"p{i}" for i in range(draw.randint(5, 40))]
        rankings[f"q{n}"] = draw.sample(items, draw.randint(1, min(20, len(items))))
        relevant[f"q{n}"] = draw.sample(items, draw.randint(1, 4))
    measures = {
        **{Success @ k: lambda r, g, k=k: success(r, g, k) for k in (1, 5)},
        **{R @ k: lambda r, g, k=k: recall(r, g, k) for k in (5, 10)},
        RR: reciprocal_rank,
        nDCG @ 10: ndcg,
    }
    theirs = ir_measures.iter_calc(
        list(measures),
        {q: dict.fromkeys(items, 1) for q, items in relevant.items()},
        {q: {item: float(-n) for n, item in enumerate(items)} for q, items in rankings.items()},
    )
    compared = 0
    for metric in theirs:
        ours = measures[metric.measure](rankings[metric.query_id], [[item] for item in relevant[metric.query_id]])
        assert ours == pytest.approx(metric.value, abs=1e-6), (metric, rankings[metric.query_id])
        compared += 1

    assert compared == 1000 * len(measures)


def test_intervals_hold_the_true_mean_about_as_often_as_they_say() -> None:
    draw = np.random.default_rng(1)
    samples = draw.random((2000, 80))

    def held(values: np.ndarray, truth: float) -> float:
        intervals = [interval(sample, seed=n, rounds=400) for n, sample in enumerate(values)]
        return sum(low <= truth <= high for low, high in intervals) / len(values)

    assert 0.935 <= held(samples[:1000] ** 2, 1 / 3) <= 0.965  # a skewed figure, such as a reciprocal rank
    assert 0.93 <= held(samples[1000:] < 0.7, 0.7) <= 0.965  # a share; 80 questions take 81 values only


def test_intervals_of_a_median_and_of_little() -> None:
    values = [float(n) for n in range(101)]
    low, high = interval(values, statistic=percentile(50))

    assert percentile(95)(values) == 95.0
    assert 30 < low < 50 < high < 70
    assert (interval([]), interval([1.0, 1.0])) == ((0.0, 0.0), (1.0, 1.0))
    assert interval(values) == interval(values)


def test_paired_differences() -> None:
    draw = np.random.default_rng(3)
    before = (draw.random((1000, 60)) < 0.6).astype(float)
    after = np.where(draw.random((1000, 60)) < 0.3, (draw.random((1000, 60)) < 0.6), before)  # no better, no worse
    found = [paired(a, b, seed=n, rounds=300) for n, (a, b) in enumerate(zip(before, after, strict=True))]

    assert 0.92 <= sum(low <= 0 <= high for low, high, _ in found) / 1000 <= 0.975
    assert sum(p < 0.05 for *_, p in found) / 1000 <= 0.075
    assert paired([0.0, 1.0] * 30, [0.0, 1.0] * 30) == (0.0, 0.0, 1.0)
    low, high, p = paired([0.0] * 30, [1.0] * 30)
    assert (low, high) == (1.0, 1.0)
    assert p < 0.01
    with pytest.raises(ValueError, match="zip"):
        paired([1.0], [])
