"""Figures of merit for rankings, citations and answers, and their intervals: pure functions.

A ranking is a list without repeats, best first. Evidence is given as groups of alternatives: any one of a group is enough,
every group is needed. Figures lie in 0..1 and higher is better, unless said otherwise. At cable level, rankings,
citations and groups are those of `by_cable`.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.cable import Citation
from qa.numbers import figures
from qa.verify import SUPPORTED
from qa.words import STOP_WORDS

Groups = Sequence[Sequence[Hashable]]
SEED = 0  # of every bootstrap
ROUNDS = 1000  # resamples of a bootstrap
_TOGETHER = 100  # resamples drawn at once


def by_cable(ranking: Sequence[Citation], groups: Sequence[Sequence[Citation]]) -> tuple[list[str], list[list[str]]]:
    """The ranking and the groups as reference IDs: a cable ranks where its first paragraph does; groups that name the
    same cables become one."""
    cables = dict.fromkeys(tuple(dict.fromkeys(c.reference_id for c in group)) for group in groups)
    return list(dict.fromkeys(c.reference_id for c in ranking)), [list(group) for group in cables]


def success(ranking: Sequence[Hashable], groups: Groups, k: int) -> float:
    """1 where any relevant item is among the first `k`, else 0 (hit rate; `Success@k` of ir_measures)."""
    return float(any(item in group for item in ranking[:k] for group in groups))


def recall(ranking: Sequence[Hashable], groups: Groups, k: int) -> float:
    """Share of the groups that have an item among the first `k`; 1 where there are no groups (with groups of one item
    `R@k` of trec_eval)."""
    top = set(ranking[:k])
    return fmean(float(any(item in top for item in group)) for group in groups) if groups else 1.0


def completeness(ranking: Sequence[Hashable], groups: Groups, k: int) -> float:
    """1 where every group has an item among the first `k`, else 0: whether a reader of `k` can answer in full."""
    return float(recall(ranking, groups, k) == 1)


def reciprocal_rank(ranking: Sequence[Hashable], groups: Groups) -> float:
    """1 / rank of the first relevant item; 0 where none is ranked (Voorhees, TREC-8, 1999)."""
    return next((1 / n for n, item in enumerate(ranking, 1) if any(item in group for group in groups)), 0.0)


def ndcg(ranking: Sequence[Hashable], groups: Groups, k: int = 10) -> float:
    """nDCG@k with binary gain and log2(rank + 1) discount (Järvelin and Kekäläinen, 2002); a group gains once, and one that
    is met wherever another is met does not count beside it."""
    sets = list(dict.fromkeys(frozenset(group) for group in groups))
    open_groups = [group for group in sets if not any(other < group for other in sets)]
    least = len(open_groups)
    gained = 0.0
    for n, item in enumerate(ranking[:k], 1):
        hit = next((group for group in open_groups if item in group), None)
        if hit is not None:
            open_groups.remove(hit)
            gained += 1 / math.log2(n + 1)
    ideal = sum(1 / math.log2(n + 1) for n in range(1, min(k, least) + 1))
    return gained / ideal if ideal else 0.0


def citation_precision(cited: Sequence[Hashable], groups: Groups) -> float:
    """Share of the cited items that are evidence; 0 where nothing is cited (ALCE: Gao et al., 2023, section 3.3, with
    the golden evidence in the place of an entailment model)."""
    return fmean(float(any(item in group for group in groups)) for item in cited) if cited else 0.0


def citation_recall(cited: Sequence[Hashable], groups: Groups) -> float:
    """Share of the groups of which an item is cited; 1 where there are no groups (source: as `citation_precision`)."""
    return recall(cited, groups, len(cited))


def supported(verdicts: Sequence[str]) -> float:
    """Share of an answer's statements whose verdict is `supported`; 1 for no statements."""
    return fmean(float(verdict == SUPPORTED) for verdict in verdicts) if verdicts else 1.0


def normalised(text: str) -> list[str]:
    """The words of a text in lower case without punctuation and articles (SQuAD: Rajpurkar et al., 2016, section 6.1);
    printers' quotation marks and dashes are punctuation as those of ASCII are."""
    plain = "".join(c for c in text.lower() if c not in string.punctuation and unicodedata.category(c)[0] != "P")
    return re.sub(r"\b(a|an|the)\b", " ", plain).split()


def token_f1(answer: str, gold: str, aliases: Iterable[str] = ()) -> float:
    """Harmonic mean of precision and recall over the words of answer and gold, the best over `gold` and `aliases`.

    Words are `normalised`; where one side has none, 1 if both have none, else 0 (Rajpurkar et al., 2016, section 6.1).
    """
    return max(_f1(normalised(answer), normalised(accepted)) for accepted in (gold, *aliases))


def _f1(said: list[str], gold: list[str]) -> float:
    if not said or not gold:
        return float(said == gold)
    common = sum((Counter(said) & Counter(gold)).values())
    return 2 * common / (len(said) + len(gold))


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float:
    """Agreement of two judges beyond chance, at most 1, 0 at chance (Cohen, 1960); 1 where both always say the same one thing."""
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    first, second = (sum(pair[side] for pair in pairs) / n for side in (0, 1))
    chance = first * second + (1 - first) * (1 - second)
    return 1.0 if chance == 1 else (observed - chance) / (1 - chance)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+(?:[.,]\d+)*", text.lower().replace("’", "'").replace(",", ""))


def answer_match(answer: str, gold: str, aliases: Iterable[str] = ()) -> bool:
    """Whether the gold answer, an alias, or 3/4 of the gold answer's content words stand in the answer.

    Figures match by value: `forty-one`, `41`; case, commas, articles and the last letter of a longer word do not matter.
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
        if word in have or (len(word) > 4 and word.isalpha() and any(other.startswith(word[:-1]) for other in have)):
            return True
        own = figures(word)
        return bool(own) and all(value in values for value in own)

    return bool(content) and sum(map(stands, content)) >= 0.75 * len(content)


Statistic = Callable[..., Any]  # (values, axis=1) -> one value a row; numpy's mean, or a percentile


def interval(
    values: Sequence[float], seed: int = SEED, rounds: int = ROUNDS, statistic: Statistic = np.mean
) -> tuple[float, float]:
    """95% percentile bootstrap interval of a statistic of `values`, by default the mean (Efron, 1979); (0, 0) for no
    values. Too narrow for fewer than about 20 values, and of width 0 where all are equal."""
    if not len(values):
        return 0.0, 0.0
    low, high = np.percentile(resampled(values, seed, rounds, statistic), [2.5, 97.5])
    return float(low), float(high)


def resampled(
    values: Sequence[float], seed: int = SEED, rounds: int = ROUNDS, statistic: Statistic = np.mean
) -> NDArray[np.float64]:
    """The statistic of each of `rounds` resamples (with replacement, as many as there are values): float64 (rounds,)."""
    own, draw = np.asarray(values, dtype=np.float64), np.random.default_rng(seed)
    parts = [
        statistic(own[draw.integers(len(own), size=(min(_TOGETHER, rounds - at), len(own)))], axis=1)
        for at in range(0, rounds, _TOGETHER)
    ]
    return np.concatenate(parts)


def percentile(q: float) -> Statistic:
    """The `q`-th percentile, 0..100, linear between neighbours, as a statistic for `interval`."""
    return lambda values, axis=None: np.percentile(values, q, axis=axis)


def paired(
    before: Sequence[float], after: Sequence[float], seed: int = SEED, rounds: int = ROUNDS
) -> tuple[float, float, float]:
    """The 95% interval of the mean of `after - before`, question by question, and its two-sided p.

    p: twice the share of resamples whose mean lies at or beyond 0 on the other side, at most 1 (paired bootstrap: Efron
    and Tibshirani, 1993, chapters 15 and 16; Koehn, 2004). Raises ValueError where the two differ in length.
    """
    differences = [b - a for a, b in zip(before, after, strict=True)]
    if not differences:
        return 0.0, 0.0, 1.0
    means = resampled(differences, seed, rounds)
    low, high = np.percentile(means, [2.5, 97.5])
    # + 1: a bootstrap of `rounds` resamples cannot show a p of 0
    beyond = min(int((means <= 1e-12).sum()), int((means >= -1e-12).sum()))
    return float(low), float(high), min(1.0, 2 * (beyond + 1) / (rounds + 1))
