"""Compares two runs of a golden set, question by question.

Flows in: two Runs. Flows out: a Comparison: the difference of each figure with its interval, the questions that got better and
worse, where each failure lies. Answers nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from index.errors import InputError
from qa.metrics import paired
from qa.runs import Run
from qa.score import FAILURES, FIGURES, LOWER_IS_BETTER, failures

FEWEST = 6  # questions; were 5 all to change the same way, a sign test's p would still be 2 / 2**5 > 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of both runs on the `n` questions that have it in both; `low` to `high` is the 95% interval of `after - before`
    and `p` its two-sided p (`qa.metrics.paired`). `up` and `down` are the ids of the questions whose figure rose and fell."""

    name: str
    before: float
    after: float
    low: float
    high: float
    p: float
    n: int
    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """`better` or `worse` where p is below 0.05, else `no difference shown`; `too few` below `FEWEST` questions."""
        if self.n < FEWEST:
            return "too few"
        if self.p >= 0.05:
            return "no difference shown"
        return "better" if (self.after > self.before) != (self.name in LOWER_IS_BETTER) else "worse"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side. `pairs` are the records of the questions in both, `alone` how many are in one only."""

    before: Run
    after: Run
    differences: list[Difference]
    pairs: list[tuple[dict[str, Any], dict[str, Any]]]
    alone: int
    configuration: list[str]

    def moved(self, kind: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The pairs that got `better` (a failure before, none after), `worse`, or `other` (another failure than before)."""
        return [(a, b) for a, b in self.pairs if _moved(a["failure"], b["failure"]) == kind]

    def as_json(self) -> dict[str, Any]:
        """The comparison as JSON: figures, the ids of questions that moved with both failures, counts of failures."""
        return {
            "before": str(self.before.folder),
            "after": str(self.after.folder),
            "questions": len(self.pairs),
            "alone": self.alone,
            "configuration": self.configuration,
            "figures": {one.name: asdict(one) | {"verdict": one.verdict} for one in self.differences},
            **{
                kind: [{"id": a["id"], "before": a["failure"], "after": b["failure"]} for a, b in self.moved(kind)]
                for kind in ("better", "worse", "other")
            },
            "failures": {"before": failures([a for a, _ in self.pairs]), "after": failures([b for _, b in self.pairs])},
        }


def compare(before: Run, after: Run) -> Comparison:
    """Pairs the questions by id, where question, history, evidence and golden answers are the same.

    Raises InputError where the runs share none.
    """
    first = {record["id"]: record for record in before.records}
    pairs = [(first[r["id"]], r) for r in after.records if r["id"] in first and _asked(first[r["id"]]) == _asked(r)]
    if not pairs:
        raise InputError(
            f"{before.folder} and {after.folder} have no question in common. Compare runs of one golden set."
        )
    alone = len(before.records) + len(after.records) - 2 * len(pairs)
    differ = [
        name for name in after.config if name != "warnings" and before.config.get(name) != after.config[name]
    ]  # fmt: skip
    return Comparison(before, after, list(_differences(pairs)), pairs, alone, differ)


def lines(found: Comparison) -> Iterator[str]:
    """The comparison as lines of text."""
    alone = f"; {found.alone} rows are in one run only" if found.alone else ""
    yield f"{found.before.folder} -> {found.after.folder}: {len(found.pairs)} questions{alone}"
    yield f"the configurations differ in: {', '.join(found.configuration) or 'nothing'}"
    yield ""
    yield f"  {'':26} {'before':>9} {'after':>9} {'difference, 95% interval':>28} {'p':>6} {'up':>4} {'down':>4}"
    for one in found.differences:
        change = f"{one.after - one.before:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
        yield (
            f"  {one.name:26} {one.before:9.3f} {one.after:9.3f} {change:>28} {one.p:6.3f} "
            f"{len(one.up):4} {len(one.down):4}  {one.verdict}"
        )
    yield CAUTION
    for kind, said in (("better", "got better"), ("worse", "got worse"), ("other", "fail elsewhere")):
        moved = found.moved(kind)
        yield ""
        yield f"{len(moved)} {said}"
        for a, b in moved:
            yield f"  {a['id']:22} {a['failure'] or 'right':>17} -> {b['failure'] or 'right':17} {_short(a['question'])}"
    yield ""
    yield "where the failures lie, before -> after"
    counts = [failures([pair[n] for pair in found.pairs]) for n in (0, 1)]
    for name in FAILURES:
        if name in counts[0] or name in counts[1]:
            yield f"  {name:17} {counts[0].get(name, 0):4} -> {counts[1].get(name, 0)}"


CAUTION = "Of twenty figures that are the same, one is shown as different by chance; read them together."


def _differences(pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> Iterator[Difference]:
    for name in FIGURES:
        both = [
            (a["figures"][name], b["figures"][name], a["id"])
            for a, b in pairs
            if name in a["figures"] and name in b["figures"]
        ]
        if both:
            before, after, ids = zip(*both, strict=True)
            up, down = (tuple(i for a, b, i in both if (b - a) * sign > 0) for sign in (1, -1))
            yield Difference(name, fmean(before), fmean(after), *paired(before, after), len(ids), up, down)


def _moved(before: str, after: str) -> str:
    if before == after:
        return "same"
    return "better" if not after else "worse" if not before else "other"


def _asked(record: dict[str, Any]) -> tuple[Any, ...]:
    golden = record["golden"]
    said = golden.get("answer"), golden.get("answer_aliases") or []
    return record["question"], golden.get("history") or [], *said, record["evidence"]


def _short(text: str, most: int = 70) -> str:
    return text if len(text) <= most else text[: most - 4] + " ..."
