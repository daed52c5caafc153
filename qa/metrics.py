"""Figures of merit for rankings and answers: pure functions.

A ranking is a list without repeats, best first. Evidence is given as groups of alternatives; for recall, each group counts
once. All results lie in 0..1 and higher is better.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from statistics import fmean

from qa.numbers import figures
from qa.question import STOP_WORDS

Groups = Sequence[Sequence[Hashable]]


def success(ranking: Sequence[Hashable], groups: Groups, k: int) -> float:
    """1 where any relevant item is among the first `k`, else 0."""
    return float(any(item in group for item in ranking[:k] for group in groups))


def recall(ranking: Sequence[Hashable], groups: Groups, k: int) -> float:
    """Share of the groups that have an item among the first `k`; 1 where there are no groups."""
    top = set(ranking[:k])
    return fmean(float(any(item in top for item in group)) for group in groups) if groups else 1.0


def reciprocal_rank(ranking: Sequence[Hashable], groups: Groups) -> float:
    """1 / rank of the first relevant item; 0 where none is ranked (Voorhees, TREC-8, 1999)."""
    return next((1 / n for n, item in enumerate(ranking, 1) if any(item in group for group in groups)), 0.0)


def ndcg(ranking: Sequence[Hashable], groups: Groups, k: int = 10) -> float:
    """nDCG@k with binary gain and log2(rank + 1) discount (Järvelin and Kekäläinen, 2002); a group gains once."""
    open_groups = [set(group) for group in groups]
    gained = 0.0
    for n, item in enumerate(ranking[:k], 1):
        hit = next((group for group in open_groups if item in group), None)
        if hit is not None:
            open_groups.remove(hit)
            gained += 1 / math.log2(n + 1)
    ideal = sum(1 / math.log2(n + 1) for n in range(1, min(k, len(groups)) + 1))
    return gained / ideal if ideal else 0.0


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+(?:[.,]\d+)*", text.lower().replace("’", "'").replace(",", ""))


def answer_match(answer: str, gold: str, aliases: Iterable[str] = ()) -> bool:
    """Whether the gold answer, an alias, or 3/4 of the gold answer's content words stand in the answer.

    Figures match by value: `forty-one`, `41`; case, commas and articles do not matter.
    """
    said = _words(answer)
    text = f" {' '.join(said)} "
    for accepted in (gold, *aliases):
        words = _words(accepted)
        if words and f" {' '.join(words)} " in text:
            return True
    content = [word for word in _words(gold) if word not in STOP_WORDS]
    have, values = set(said), figures(answer)

    def stands(word: str) -> bool:
        if word in have or any(len(word) > 4 and other.startswith(word[:-1]) for other in have):
            return True
        own = figures(word)
        return bool(own) and all(value in values for value in own)

    return bool(content) and sum(map(stands, content)) >= 0.75 * len(content)


def interval(values: Sequence[float], seed: int = 0, rounds: int = 1000) -> tuple[float, float]:
    """95% percentile bootstrap interval of the mean (Efron, 1979); (0, 0) for no values."""
    return interval_of(lambda sample: fmean(sample), values, seed, rounds)


def interval_of(
    statistic: Callable[[Sequence[float]], float], values: Sequence[float], seed: int, rounds: int
) -> tuple[float, float]:
    """95% percentile bootstrap interval of a statistic of `values`."""
    if not values:
        return 0.0, 0.0
    draw = random.Random(seed)
    means = sorted(statistic(draw.choices(values, k=len(values))) for _ in range(rounds))
    return means[int(0.025 * rounds)], means[int(0.975 * rounds) - 1]
