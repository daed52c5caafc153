"""Whether a figure of a statement stands among those of a text, or follows from them: a sum, a share, a span of years.

Flows in: a Number of a statement, and the Figures of its source. Flows out: yes or no. No model; which thing a figure is said of is
not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from qa.numbers import PERCENT_NEAR, Number, numbers, unscaled
from qa.units import Amount, amount, names_currency

_CLOCK = re.compile(
    r"\b(?:(?P<h>[01]?\d|2[0-3]):(?P<min>[0-5]\d)\b(?!:)(?:\s*(?P<half>[ap])\.?m\b\.?)?|(?P<hour>1[0-2]|[1-9])\s*(?P<of>[ap])\.?m\b\.?)",
    re.I,
)
_MILITARY = re.compile(
    r"(?:\b(?P<at>at|by|until|from|to|since|before|after|around|about|between|and|,)\s+)?\b(?P<h>[01]\d|2[0-3])(?P<min>[0-5]\d)\b(?![,.]\d)(?P<hours>\s*(?:hours|hrs|local|Z\b))?"
)
_AT_AN_HOUR = re.compile(
    r"\b(?:at|before|after|until|till|past|around|(?:quarter|half|minutes|five|ten|twenty(?:-five)?)\s+to)\s+$", re.I
)
_OF_THE_DAY = re.compile(r"\s*(?:[.,;:)]|$)|\s+(?:o['’]clock|in the|at night|[ap]\.?m\b|on|and|that)\b", re.I)
RECKONED = 20  # least whole number that may be reckoned from others: of smaller ones too many could be
COUNTED = 4  # numbers in words up to this may have been counted by the writer: `two`, where both are named
HALF_YEAR = 6 * 30.44  # days, as `Number.days` has them
TOGETHER = 400  # characters between two figures of which one is reckoned from the other, at most
NEAR_HOUR = 30  # minutes
NEAR_PERCENT = 100  # characters from a number to what says that it is a percentage, as at the end of a list
_COMPARED = re.compile(
    r"(?:[\s-]+[a-z]+){0,2}[\s-]+(?:more|fewer|less|longer|shorter|higher|lower|short|cheaper|dearer|larger|smaller|above|below|ahead|behind)\b"
)
_IN_SO_MANY = re.compile(r"\s+in\s+(?=(?:ten|twenty|a hundred|\d+)\b)")
_COUNTS = re.compile(r"\s*%|\s*per\s?cent\b|[\s-]+[a-z]+s\b(?<!\bthis)(?<!\bwas)(?<!\bhas)")
_OF_SO_MANY = re.compile(r"\s+of\s+(?:the\s+)?(?:\d|[a-z]+s\b)")
_LOST = re.compile(
    r"\b(?:not|never|without|los[st]|loses|losing|fell|fallen|drop|dropped|cut|shrank|shrunk|rest|remain|remaining|declined?)\b",
    re.I,
)


@dataclass(frozen=True)
class Figures:
    """What a text has of figures. `text`: without its dates; `years`: all that it names or that follow; `days`: its dates and
    years as days of one count."""

    text: str
    years: frozenset[int]
    days: tuple[float, ...]

    @cached_property
    def said(self) -> list[Number]:
        return list(numbers(self.text))

    @cached_property
    def _amounts(self) -> dict[int, Amount]:
        """What each figure is an amount of, by where it begins."""
        return {one.start: amount(self.text, one) for one in self.said}

    @cached_property
    def _pairs(self) -> list[tuple[Number, Number]]:
        """Two figures, in either order, that stand close together; of the same currency where both say one."""
        counts = [one for one in self.said if not one.year]
        return [
            (a, b)
            for a in counts
            for b in counts
            if a is not b
            and abs(a.start - b.start) <= TOGETHER
            and len({self._amounts[a.start].currency, self._amounts[b.start].currency} - {None}) < 2
        ]

    @cached_property
    def times(self) -> set[int]:
        """Minutes since midnight of each time of day."""
        return {*_times(self.text, _CLOCK), *_times(self.text, _MILITARY)}

    def has_time(self, words: str) -> bool:
        """Whether a time of day, as `clock_times` finds it, is one of the text's."""
        return bool(self.times & set(_times(words, _CLOCK)))

    def has(self, number: Number, statement: str) -> bool:
        """Whether a number of the statement stands there or follows."""
        before, after = statement[: number.start], statement[number.end :]
        if _loose(number, before, after) or self._is_hour(number, before, after):
            return True
        amount_of = amount(statement, number)
        own = amount_of.currency
        if any(self._stands(number, amount_of, other, statement) for other in self.said):
            return True
        if number.year and any(year in self.years for year in _years(number)):
            return True
        if number.words.lower() in ("twice", "thrice") and not re.match(r"\s+(?:as|the|that|what)\b", after):
            return True  # `said so twice`: counted by the writer
        if number.share or re.match(r"[\s-]*(?:times|fold)\b", after):  # a quarter, four times: 2 and 8
            ratio = number.value if number.value < 1 else 1 / max(number.value, 1.0)
            side = number.side if number.value < 1 else -number.side
            return self._has_share(ratio, number.about, side, bool(_LOST.search(statement)))
        if number.percent and number.about and self._has_share(number.value / 100, False, number.side):
            return True  # `roughly forty percent`, where 1,620 of 4,000 stand
        if tens := _IN_SO_MANY.match(after):  # seven in ten
            of = next((one.value for one in numbers(after[tens.end() :])), 0.0)
            if number.value < of and self._has_share(number.value / of, number.about, number.side):
                return True
        if number.value in (0.0, 1.0) and not number.words[0].isdigit():
            return True  # `one`, `single`: no figure
        if number.days:  # from one date that stands there to another
            near = (0.2 if number.about else 0.05) * number.days + 0.5
            if any(abs(abs(a - b) - number.days) <= near for a in self.days for b in self.days if a < b):
                return True
        if _COMPARED.match(after) and any(a.value - b.value == number.value for a, b in self._paid(own)):
            return True  # three votes short, five dollars cheaper
        if number.value <= COUNTED and not number.words[0].isdigit():  # counted, unless another number stands there
            noun = re.match(r"[\s-]+([a-z]{3,})", after)
            stem = noun[1][:5] if noun else "-"
            return not any(re.match(rf"[\s-]+(?:[\w-]+[\s-]+)?{stem}", self.text[other.end :]) for other in self.said)
        if number.days == HALF_YEAR and any(other.value == 0.5 for other in self.said):
            return True  # `the first six months`, where the first half stands
        if number.days or re.match(r"[\s-]*(?:point|percentage)", after):  # a difference of two that stand there
            pairs = [(a.value, b.value) for a, b in self._pairs]
            pairs += [(float(a), float(b)) for a in self.years for b in self.years]
            return any(abs(a - b - number.value) < 1e-6 for a, b in pairs)
        return self._unscaled(number) or self._reckoned(number, own) or self._is_rest(number, statement)

    def _stands(self, number: Number, own: Amount, other: Number, statement: str) -> bool:
        """Whether a number of the statement is another of the text: the same, of nothing else, and a percentage where that is one."""
        there = self._amounts[other.start]
        if own.converts(there):
            return True
        if not number.agrees(other) or not own.may_be(there):
            return False
        if number.percent and not (other.percent or other.share):
            counts = _COUNTS.match(self.text, other.end) or _OF_SO_MANY.match(self.text, other.end)
            near = NEAR_PERCENT if counts else len(self.text)  # of a table the head may say it
            return bool(PERCENT_NEAR.search(self.text[max(0, other.start - near) : other.end + near]))
        return bool(number.share or number.percent or not other.percent or PERCENT_NEAR.search(statement))

    def _has_share(self, ratio: float, about: bool, side: int, rest: bool = False) -> bool:
        """Whether two figures give the share (or, with `rest`, what is left gives it), or one says it as a percentage or a multiple; one
        above it with a `side` of 1, below it with -1."""
        near = (0.3 if about else 0.05) * ratio  # `less than half`, `nearly doubled`
        shares = [a.value / b.value for a, b in self._pairs if 0 < a.value < b.value]
        shares += [1 - share for share in shares] if rest else []
        shares += [one.value / 100 for one in self.said if one.percent]
        shares += [1 / one.value for one in self.said if one.share and one.value > 1]
        return any(abs(share - ratio) <= near and (share - ratio) * side > -1e-9 for share in shares)

    def _is_rest(self, number: Number, statement: str) -> bool:
        """Whether it is what is left of a whole that the statement and the text have, when another that stands there is taken
        away: `six of the 25 were lost`, where 19 of 25 were not."""
        wholes = {one.value for one in self.said} & {
            one.value for one in numbers(statement) if one.value > number.value
        }
        counts = {one.value for one in self.said if not one.year and not one.share and not one.percent}
        return any(whole - number.value in counts - {number.value} for whole in wholes)

    def _paid(self, currency: str | None) -> Iterator[tuple[Number, Number]]:
        """The pairs in a currency, where one is given: their own, or one that is named anywhere, as at the head of a table."""
        named = names_currency(self.text, currency)
        for a, b in self._pairs:
            own = self._amounts[a.start].currency or self._amounts[b.start].currency
            if currency is None or own == currency or (own is None and named):
                yield a, b

    def _is_hour(self, number: Number, before: str, after: str) -> bool:
        """Whether it is an hour, said as one word, near a time that stands there: `until five`, `a quarter to five`."""
        if number.words[0].isdigit() or not _AT_AN_HOUR.search(before) or not _OF_THE_DAY.match(after):
            return False
        apart = [abs(number.value * 60 - time) % 720 for time in self.times]
        return any(min(one, 720 - one) <= NEAR_HOUR for one in apart)

    def _unscaled(self, number: Number) -> bool:
        """Whether it stands there without its scale, which stands close by: `3.1 million`, where `3.1 of the 4.0 million` is
        written. Not where it counts something else."""
        value, scale = unscaled(number) or (0.0, "")
        if not scale:
            return False
        for other in self.said:
            if other.value != value or not re.fullmatch(r"[\d.,]+", other.words):
                continue
            around = self.text[max(0, other.start - TOGETHER) : other.end + TOGETHER // 2]
            if not _COUNTS.match(self.text, other.end) and re.search(rf"\b{scale}s?\b", around, re.IGNORECASE):
                return True
        return False

    def _reckoned(self, number: Number, currency: str | None) -> bool:
        """Whether it is the sum, difference or product of two counts that stand close together, or a share of one: `22`, where 190
        of 212 were granted."""
        if (number.value < RECKONED and number.value.is_integer()) or number.year or number.percent:
            return False
        near = (0.05 if number.about else 1e-6) * number.value
        for a, b in self._paid(currency):
            if a.percent or b.percent or a.value <= 1:
                continue
            if b.share:
                results = [a.value * b.value]
            elif a.share or b.value <= 1:
                continue
            else:
                results = [a.value + b.value, a.value - b.value, a.value * b.value]
            if any(abs(result - number.value) <= near for result in results):
                return True
        return False


def clock_times(text: str) -> Iterator[re.Match[str]]:
    """The times of day that are written with a colon, or with a half of the day."""
    return _CLOCK.finditer(text)


def _times(text: str, pattern: re.Pattern[str]) -> Iterator[int]:
    """The minutes since midnight of each time of day; of one that does not say which half of the day, both."""
    for match in pattern.finditer(text):
        named = match.groupdict()
        colon = ":" in match[0] or bool(named.get("hour"))
        hour, minute = int(named["h"] or named["hour"]), int(named["min"] or 0)
        if not colon and not named["at"] and not named["hours"]:
            continue  # `1500 tons`
        if not colon and not named["hours"] and hour in (19, 20):
            continue  # `in 2005`, `by 1945`: a year
        half = (named.get("half") or named.get("of") or "").lower()
        if half:
            hour = hour % 12 + 12 * (half == "p")
        yield hour * 60 + minute
        if not half and colon and 1 <= hour <= 12 and not match[0].startswith("0"):
            yield (hour + 12) % 24 * 60 + minute


def _years(number: Number) -> range:
    """The years that a year of a statement may be: all of a decade."""
    first = int(number.value)
    return range(first, first + 10) if number.words.endswith("s") and first % 10 == 0 else range(first, first + 1)


def _loose(number: Number, before: str, after: str) -> bool:
    """Whether it is no exact figure: the `decade` of `the following decade`, the `ten` of `four in ten`, `a quarter to five`."""
    if re.fullmatch(r"decade|century", number.words, re.IGNORECASE):
        return bool(re.search(r"\b(?:next|following|previous|last|past|same|that|this|turn of the)\s+$", before))
    if number.share and (hour := re.match(r"\s+(?:to|past)\s+", after)):
        return next(
            (one.start == hour.end() and one.value <= 12 for one in numbers(hour[0] + after[hour.end() :])), False
        )
    if number.words[0].isdigit() or number.days:
        return False
    return any(re.fullmatch(r"\s+in\s+", before[one.end :]) for one in numbers(before))
