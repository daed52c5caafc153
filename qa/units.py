"""What a number of a text is an amount of: a currency, a unit of measure, and whether it is the least or the most.

Flows in: a text and a Number of it. Flows out: what is said beside the number. Does not know what else the text says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qa.numbers import Number

_CURRENCIES = (
    (re.compile(r"(?:US\$|USD|\$)\s*$|U\.?S\.? dollars?\b|dollars?\b|USD\b", re.I), "dollar"),
    (re.compile(r"(?:€|EUR)\s*$|euros?\b|EUR\b", re.I), "euro"),
    (re.compile(r"(?:£|GBP)\s*$|pounds sterling\b|GBP\b", re.I), "pound"),
    (re.compile(r"(?:¥|JPY)\s*$|yen\b", re.I), "yen"),
    (re.compile(r"(?:RUB)\s*$|r(?:o)?ubles?\b", re.I), "ruble"),
    (re.compile(r"(?:KZT)\s*$|tenge\b", re.I), "tenge"),
    (re.compile(r"francs?\b", re.I), "franc"),
    (re.compile(r"crowns?\b", re.I), "crown"),
)
_LENGTHS = {
    r"km|kilomet(?:er|re)s?": 1000.0, r"nautical\s+miles?": 1852.0, r"miles?": 1609.34, r"met(?:er|re)s?": 1.0, r"cm|centimet(?:er|re)s?": 0.01,
    r"mm|millimet(?:er|re)s?": 0.001, r"feet|foot|ft": 0.3048, r"yards?": 0.9144, r"inch(?:es)?": 0.0254,
}  # fmt: skip
_MEASURES = [
    (re.compile(rf"(?:{names})\b", re.I), dimension, worth)
    for dimension, units in (
        ("area", {rf"(?:square|sq\.?)[\s-]+(?:{name})": worth**2 for name, worth in _LENGTHS.items()}),
        ("volume", {rf"(?:cubic|cu\.?)[\s-]+(?:{name})": worth**3 for name, worth in _LENGTHS.items()}),
        ("length", _LENGTHS),
        ("area", {r"hectares?|ha": 1e4, r"acres?": 4046.86}),
        ("volume", {r"lit(?:er|re)s?": 1e-3, r"gallons?": 3.785e-3, r"barrels?": 0.159}),
        ("mass", {r"(?:metric\s+)?ton(?:ne)?s?": 1e3, r"kg|kilos?|kilogram(?:me)?s?": 1.0, r"gram(?:me)?s?": 1e-3}),
        ("energy", {rf"{name}[\s-]?h(?:ours?)?": worth for name, worth in
                    ((r"(?:gigawatt|GW)", 1e9), (r"(?:megawatt|MW)", 1e6), (r"(?:kilowatt|kW)", 1e3))}),
        ("power", {r"gigawatts?|GW": 1e9, r"megawatts?|MW": 1e6, r"kilowatts?|kW": 1e3}),
    )
    for names, worth in units.items()
]  # fmt: skip
_RATE = re.compile(r"\s*(?:(?:per|an?|each|every)\s+|/)(?P<per>second|minute|hour|day|week|month|year)\b", re.I)
_LEAST = re.compile(r"\b(?:at least|no fewer than|(?:no|not) less than|a minimum of)\s+$", re.I)
_MOST = re.compile(r"\b(?:at most|up to|(?:no|not) more than|a maximum of|not exceed(?:ing)?)\s+$", re.I)
CONVERTED = 0.05  # how far an amount may be from the same in another unit, as a share of it


@dataclass(frozen=True, slots=True)
class Amount:
    """What a number is an amount of, each None where it is not said in a way that is known: its `currency`, the `dimension` of its unit
    of measure, what that is `worth` in the dimension's own, the time `per` which it is counted, and the `bound` that it is."""

    value: float
    currency: str | None
    dimension: str | None
    worth: float | None
    per: str | None
    bound: str | None

    def may_be(self, other: Amount) -> bool:
        """Whether nothing that both say differs."""
        both = [(self.currency, other.currency), (self.dimension, other.dimension), (self.worth, other.worth),
                (self.per, other.per), (self.bound, other.bound)]  # fmt: skip
        return not any(a and b and a != b for a, b in both)

    def converts(self, other: Amount) -> bool:
        """Whether it is the same amount in another unit."""
        if not (self.worth and other.worth and self.dimension == other.dimension and self.worth != other.worth):
            return False
        a, b = self.value * self.worth, other.value * other.worth
        return abs(a - b) <= CONVERTED * max(a, b)


def amount(text: str, number: Number) -> Amount:
    """What the text says of the number next to it."""
    before, after = text[max(0, number.start - 24) : number.start], text[number.end : number.end + 48]
    bound = "least" if _LEAST.search(before) else "most" if _MOST.search(before) else None
    unit = after.lstrip(" -")
    for pattern, dimension, worth in _MEASURES:
        if match := pattern.match(unit):
            rate = _RATE.match(unit, match.end())
            return Amount(number.value, None, dimension, worth, rate and rate["per"].lower(), bound)
    return Amount(number.value, currency(text, number), None, None, None, bound)


def currency(text: str, number: Number) -> str | None:
    """The currency that a number is an amount of, where it is said in a way that is known."""
    before, after = text[max(0, number.start - 5) : number.start], text[number.end : number.end + 14].lstrip(" -")
    for pattern, name in _CURRENCIES:
        if ((match := pattern.search(before)) and match.end() == len(before)) or pattern.match(after):
            return name
    return None


def names_currency(text: str, name: str | None) -> bool:
    """Whether a text names the currency anywhere, as at the head of a table."""
    return any(name == one and pattern.search(text) for pattern, one in _CURRENCIES)
