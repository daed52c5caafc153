"""The numbers of a text by value, however they are written: `1.5 million`, `1,500,000`, `two thirds`, `a dozen`, `75%`.

Flows in: text. Flows out: `Number`s with their characters. Dates are not told apart here, but for years.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_UNITS = {word: float(n) for n, word in enumerate([
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
])}  # fmt: skip
_TENS = {
    word: 10.0 * n
    for n, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_ORDINALS = {word: float(n) for n, word in enumerate([
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth",
], 1)} | {f"{word[:-1]}ieth": n for word, n in _TENS.items()}  # fmt: skip
# of the days of a month, with the words for the rest of them
ORDINALS = {word: int(n) for word, n in _ORDINALS.items() if n <= 30} | {
    f"{tens}-{word}": int(value + n)
    for tens, value in _TENS.items()
    for word, n in _ORDINALS.items()
    if n < 10 and value + n <= 31
}
_NAMED = {
    "half": 0.5, "twice": 2.0, "double": 2.0, "doubled": 2.0, "doubling": 2.0, "pair": 2.0, "couple": 2.0,
    "quadruple": 4.0, "quadrupled": 4.0, "quadrupling": 4.0, "triple": 3.0, "tripled": 3.0, "tripling": 3.0, "thrice": 3.0, "decade": 10.0, "fortnight": 14.0, "century": 100.0, "once": 1.0,
    "single": 1.0, "halved": 0.5, "sesquicentennial": 150.0, "centennial": 100.0, "bicentennial": 200.0, "triennium": 3.0, "trio": 3.0,
}  # fmt: skip
_SCALES = {
    "dozen": 12.0, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "mn": 1e6,
    "bn": 1e9, "mln": 1e6,
}  # fmt: skip
_MULTIPLES = frozenset(
    {
        "half",
        "halved",
        "double",
        "doubled",
        "doubling",
        "twice",
        "triple",
        "tripled",
        "tripling",
        "thrice",
        "quadruple",
        "quadrupled",
        "quadrupling",
    }
)
_PARTS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4, "fifth": 5,
          "fifths": 5, "sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10, "twentieth": 20, "fiftieth": 50}  # fmt: skip
_SCALE = "|".join(_SCALES)
_SMALL = "|".join([*_UNITS, *_TENS])
_TOKEN = re.compile(
    rf"""(?P<part_of>\b(?:a\s+)?(?P<piece>half|quarter)(?:[\s-]+of)?(?:\s+an?)?[\s-]+(?P<whole>century|decade|year|month|day)\b)
    |(?P<half_a>\bhalf(?:\s+an?\s+|[\s-]+)(?P<scale>{_SCALE})\b)
    |(?P<one_and>\b(?:a|one)\s+(?P<unit>century|decade|year|month|week|day)\s+and\s+a\s+half\b)
    |(?P<fraction>\b(?:(?P<of>two|three|four|five|seven|nine)[\s-]+(?P<part>{"|".join(_PARTS)})|(?:a|one)[\s-]+(?P<one>half|quarter)
        |(?:a|one)[\s-]+(?P<one_of>{"|".join(_PARTS)})(?=\s+(?:of|as|in|within|by|from|to|over|on|at|this|last|each|and|or)\b|\s*(?:[,.;:()]|$))|one(?:-|\s+(?=\w+\s+(?:when|if|more|less|than|for|since|that|which|who|is|are|was|were|has|have|had)\b))(?P<hyphened>{"|".join(_PARTS)}))\b(?:\s+of\s+an?\s+(?P<of_scale>{_SCALE})\b)?)
    |(?P<digits>(?<![\w.,])(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?)(?P<tail>(?:st|nd|rd|th)\b|s\b|(?:[\s-]*(?:{_SCALE})\b)+|[mkb]\b|)
    |(?P<words>\b(?:a\s+(?:{_SCALE})\b|(?:{_SMALL})\b)(?:(?:(?<=undred|ousand|illion)\s+and\s+|[\s-]+)(?:{_SMALL}|{_SCALE})\b)*(?:-(?:{"|".join(_ORDINALS)})\b)?|\b(?:(?:{"|".join(_TENS)})-)?(?:{"|".join(_ORDINALS)})\b|\b(?:{"|".join(_NAMED)})\b(?:\s+and\s+a\s+half\b)?)""",
    re.IGNORECASE | re.VERBOSE,
)
_AMOUNT = r"\s+(?:an?\s+)?(?:US)?[$€£]?\s*$"
_ABOVE = r"over|above|(?:more|greater|higher|longer|larger) than|at least|upwards of|exceed(?:s|ed|ing)?|topp(?:ed|ing)|(?:no (?:fewer|less)|not less) than"
_BELOW = r"under|below|(?:less|fewer|lower|shorter|smaller) than|at most|nearly|almost|(?:no|not) more than"
_OVER = re.compile(rf"(?<!\bno )(?<!\bnot )\b(?:{_ABOVE}){_AMOUNT}", re.IGNORECASE)
_UNDER = re.compile(rf"(?<!\bno )(?<!\bnot )\b(?:{_BELOW}){_AMOUNT}", re.IGNORECASE)
# what makes a number a rough one; `well over`, too
ROUGHLY = re.compile(
    rf"(?:\b(?:just|well|far|slightly|a\s+little)\s+)?\b(?:{_ABOVE}|{_BELOW}|about|around|roughly|some|approximately|close to|barely|just|than|least|most){_AMOUNT}",
    re.IGNORECASE,
)
_OR_SO = re.compile(r"(?:\s+\w+){0,2}\s+or\s+(?:so|thereabouts)\b", re.IGNORECASE)
_DAYS = {
    "day": 1.0, "week": 7.0, "fortnight": 14.0, "month": 30.44, "year": 365.25, "decade": 3652.5, "century": 36525.0,
}  # fmt: skip
_UNIT = re.compile(
    r"(?:[\s-]+(?:full|long|more|whole|consecutive))?[\s-]+(?:(?P<half>and a half|1/2)[\s-]+)?(?P<unit>day|week|fortnight|month|year|decade|centur(?:y|ies))(?:s\b|\b)"
    r"(?P<more>\s+and a half)?",
    re.IGNORECASE,
)
_HALF = re.compile(r"\s+and\s+a\s+half\b(?![\s-]+(?:day|week|fortnight|month|year|decade|centur))", re.IGNORECASE)
_AND_A_HALF = re.compile(rf"\s+and\s+a\s+half[\s-]+(?P<scale>{_SCALE})\b", re.IGNORECASE)
_SCALED = re.compile(
    rf"\s*(?:-|–|to|or|and|out of)\s*[$€£]?(?:\d[\d.,]*|(?:{_SMALL}))[\s-]*(?P<scale>{_SCALE})\b", re.IGNORECASE
)


_PERCENT = re.compile(r"\s*%|[\s-]+(?:percent|per\s+cent|percentage\s+points?)\b", re.IGNORECASE)
PERCENT_NEAR = re.compile(r"%|\bper\s?cent|\bpercentage|\bpct\b|\bpoints?\b|\bhundred\b", re.IGNORECASE)
ROUNDED = 0.25  # how far what `over` and `nearly` are said of may lie from the number, as a share of it
MOST = 1e18  # of what more digits write no figure is made


@dataclass(frozen=True, slots=True)
class Number:
    """A number: `text[start:end]` is `words`. `year`: it is written as a year is. `about`: it is said to be rough, and the true one to lie
    above (`side` 1), below (-1) or on either side (0). `days`: how
    long it is where it counts days, months, decades and their like. `share`: it is written as a part or a multiple. `percent`: it
    counts hundredths."""

    value: float
    start: int
    end: int
    words: str
    year: bool = False
    about: bool = False
    days: float | None = None
    share: bool = False
    percent: bool = False
    side: int = 0

    def agrees(self, other: Number) -> bool:
        """Whether they are the same number: equal, as long (within a twentieth), a share and its percentage, or near where this
        one is rough, and on the side that it says; a rough share is within a tenth."""
        a, b = self.value, other.value
        if self.days and other.days:
            return abs(self.days - other.days) <= 0.05 * max(self.days, other.days)
        if abs(a - b) <= 1e-9 * max(abs(a), abs(b)):
            return True
        if self.share and self.about and (0 < b < 1 or other.percent):
            b = b / 100 if other.percent else b
            return abs(a - b) <= 0.101 * a and (b - a) * self.side > -1e-9
        for one, hundredths in ((self, other), (other, self)):
            if one.share and 0 < one.value < 1 and hundredths.percent and abs(100 * one.value - hundredths.value) < 1:
                return True
        near = 0.05 * max(a, b)
        if self.side:  # `over 600` of 640, `nearly 600` of 560: a step of the last digit that is no zero
            near = max(near, min(_step(a), ROUNDED * a))
        return self.about and not self.year and abs(a - b) <= near and (b - a) * self.side > -1e-9


def plain(text: str) -> str:
    """The text, as long, with the two letters that are others' capitals or small ones to a pattern but not to `str.lower`."""
    return text.replace("ſ", "s").replace("ı", "i")


def numbers(text: str) -> Iterator[Number]:
    """The numbers of `text` in order; `1946-47` gives both years, `the 1950s` gives 1950."""
    for number in _numbers(plain(text)):
        if number.value <= MOST:
            before = text[max(0, number.start - 24) : number.start]
            side = 1 if _OVER.search(before) else -1 if _UNDER.search(before) else 0
            about = number.about or bool(_OR_SO.match(text, number.end))
            yield replace(number, percent=bool(_PERCENT.match(text, number.end)), side=side, about=about)


def _step(value: float) -> float:
    """What the last digit of a whole number that is no zero counts: 100 for 600, 10 for 640."""
    step = 1.0
    while value % (10 * step) == 0 and step < value:
        step *= 10
    return step


def _numbers(text: str) -> Iterator[Number]:
    reached = 0
    for match in _TOKEN.finditer(text):
        if match.start() < reached:
            continue
        about = bool(ROUGHLY.search(text, max(0, match.start() - 24), match.start()))
        words = match[0]
        if match["part_of"]:
            value = 1 / _PARTS[match["piece"].lower()]
            yield Number(value, *match.span(), words, about=about, days=value * _DAYS[match["whole"].lower()])
        elif match["half_a"]:
            yield Number(0.5 * _SCALES[match["scale"].lower()], *match.span(), words, about=about)
        elif match["one_and"]:
            yield Number(1.5, *match.span(), words, about=about, days=1.5 * _DAYS[match["unit"].lower()])
        elif match["fraction"]:
            part = match["part"] or match["one"] or match["one_of"] or match["hyphened"]
            value = (_UNITS[match["of"].lower()] if match["of"] else 1.0) / _PARTS[part.lower()]
            scale = _SCALES[match["of_scale"].lower()] if match["of_scale"] else 1.0
            yield Number(value * scale, *match.span(), words, about=about, share=scale == 1.0)
        elif match["digits"]:
            found_here = list(_digits(match, text, about))
            reached = found_here[-1].end
            yield from found_here
        else:
            found = _spelled(words)
            if found is not None:
                end = match.end()
                if half := _AND_A_HALF.match(text, end):
                    found = (found + 0.5) * _SCALES[half["scale"].lower()]
                    end = reached = half.end()
                elif found >= 1 and (half := _HALF.match(text, end)) and not words.lower().endswith("half"):
                    found, end = found + 0.5, half.end()
                    reached = end
                found *= _scale_ahead(text, end) if found < 1000 else 1.0
                unit = _UNIT.match(text, end)
                days = _days(found, unit)
                if unit and unit["half"]:
                    reached = unit.end("half")
                if days is None and (length := _DAYS.get(words.lower().split()[0])):
                    more = 1.5 if words.lower().endswith("half") else 1.0
                    found, days = found * more, length * more
                share = words.lower() in _MULTIPLES
                yield Number(found, match.start(), end, text[match.start() : end], about=about, days=days, share=share)


def unscaled(number: Number) -> tuple[float, str] | None:
    """The number before its scale, and the scale: `24 million` gives 24.0 and `million`; None where it has none."""
    match = re.search(r"(?:thousand|million|billion|trillion|mln|[mb]n)$", number.words, re.IGNORECASE)
    return (number.value / _SCALES[match[0].lower()], match[0]) if match else None


def _days(value: float, unit: re.Match[str] | None) -> float | None:
    if not unit:
        return None
    name = unit["unit"].lower().replace("centuries", "century")
    return (value + (0.5 if unit["half"] or unit["more"] else 0.0)) * _DAYS[name]


def _scale_ahead(text: str, end: int) -> float:
    """`twelve to fourteen thousand`, `$4-5 million`, `$700-800,000`: the scale is said once."""
    match = _SCALED.match(text, end)
    if match:
        return _SCALES[match["scale"].lower()]
    return 1e3 if re.match(r"\s*[-–]\s*[$€£]?\d{1,3},000\b(?!,)", text[end:]) else 1.0


def _digits(match: re.Match[str], text: str, about: bool) -> Iterator[Number]:
    digits, tail = match["digits"], (match["tail"] or "").lower()
    value = float(digits.replace(",", ""))
    if tail in ("m", "k", "b") and not (
        re.search(r"[$€£]\s*$", text[: match.start()])
        or re.match(r"\s+(?:dollar|euro|pound|crown|r(?:o)?uble|tenge|franc)s?\b", text[match.end() :])
    ):
        tail = ""  # `5m deep`, `article 5b`
    for word in re.findall(r"[a-z]+", tail):
        value *= _SCALES.get(word, {"m": 1e6, "k": 1e3, "b": 1e9}.get(word, 1.0))
    if not tail and value < 1000:
        value *= _scale_ahead(text, match.end())
    half = re.match(r"\s+(?:and a half|1/2)\b", text[match.end() :])
    year = (
        digits.isdigit()
        and len(digits) == 4
        and 1000 <= value <= 2100
        and not re.search(r"[$€£]\s*$", text[: match.start()])
    )
    days = None if year else _days(value, _UNIT.match(text, match.end()))
    yield Number(value + (0.5 if half else 0.0), *match.span(), match[0].strip(), year=year, about=about, days=days)
    if not year and len(digits) == 2 and re.search(r"['’]$", text[: match.start()]):
        yield Number(1900 + value, *match.span(), match[0].strip(), year=True)
    if year and (second := re.match(r"[-–/](\d{2})\b(?!\d)", text[match.end() :])):
        end = match.end() + second.end()
        last = value - value % 100 + int(second[1])
        yield Number(last + 100 if last < value else last, match.start(), end, text[match.start() : end], year=True)


def _spelled(words: str) -> float | None:
    """The value of `two hundred and fifty`, `twenty-third`, `a dozen`."""
    total, current, seen = 0.0, 0.0, False
    for word in re.findall(r"[a-z]+", words.lower().removesuffix(" and a half")):
        if word in _SCALES:
            current = (current or 1.0) * _SCALES[word]
            if _SCALES[word] >= 1e3:
                total, current = total + current, 0.0
            seen = True
        elif word in ("a", "and"):
            continue
        else:
            value = _UNITS.get(word, _TENS.get(word, _ORDINALS.get(word, _NAMED.get(word))))
            if value is None:
                return None
            current, seen = current + value, True
    return total + current if seen else None


def figures(text: str) -> dict[float, str]:
    """The cardinal numbers of a text by value, with how each is written: `1.5 million` -> 1500000.0, `two` -> 2.0."""
    found: dict[float, str] = {}
    for number in numbers(text):
        first = number.words.split()[0].split("-")[0].lower()
        if not number.share and (first[0].isdigit() or first in _UNITS or first in _TENS or first == "a"):
            found.setdefault(number.value, number.words)
    return found
