"""The dates of a text, however they are written: `March 3, 2009`, `3 Mar`, `2009-03-03`, `11/7/58`, `March 3-5`, `the 24th`.

Flows in: text, and when it was sent. Flows out: years, months and days with their characters.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from datetime import date, datetime, timedelta

from qa.numbers import MONTHS, ORDINALS, Number, numbers, plain

Date = tuple[int | None, int, int | None]  # year and day None where they are not written
Placed = tuple[int | None, int, int | None, tuple[int, int]]  # and the characters

_MONTHS = {name[:size]: n for n, name in enumerate(MONTHS, 1) for size in (3, 4, len(name)) if len(name) >= size}
_MONTH = r"(?P<m{0}>" + "|".join(f"{name[:3]}(?:{name[3:]}|{name[3:4]})?" for name in MONTHS) + r")\b\.?"
_NTH = "|".join(sorted(ORDINALS, key=len, reverse=True))
WEEKDAYS = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b")
_DATES = (
    re.compile(rf"\b(?:the\s+)?(?P<d>{_NTH})\s+(?:of\s+|day\s+of\s+)?{_MONTH.format('')}(?:,?\s+(?P<y>\d{{4}})\b)?", re.I),
    re.compile(rf"\b{_MONTH.format('')}\s+(?:the\s+)?(?P<d>{_NTH})\b(?!\s+[a-z])(?:,?\s+(?P<y>\d{{4}})\b)?", re.I),
    re.compile(rf"\b{_MONTH.format('')}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*(?:percent|%)|[.:]\d)(?:,?\s+(?P<y>\d{{4}})\b)?", re.I),
    re.compile(rf"\b(?:the\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH.format('')}(?:,?\s+(?P<y>\d{{4}})\b)?", re.I),
    re.compile(rf"\b{_MONTH.format('')}(?:,?\s+(?:of\s+)?(?P<y>\d{{4}})\b)?(?P<d>)", re.I),
)  # fmt: skip
_RANGE = re.compile(
    rf"\b{_MONTH.format('')}\s+(?P<d>\d{{1,2}})\s*(?:-|–|to|through|and)\s*(?:{_MONTH.format(2)}\s+)?(?P<d2>\d{{1,2}})\b(?!\s*(?:percent|%)|[.:]\d|\s+[a-z]{{3,}}s\b)(?:,?\s+(?P<y>\d{{4}})\b)?",
    re.I,
)
_DAYS = re.compile(
    rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s*(?:-|–|to|through|and|until)\s*(?:the\s+)?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH.format('')}(?:,?\s+(?P<y>\d{{4}})\b)?",
    re.I,
)
_ISO = re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b(?:[ T]\d{2}:\d{2}(?::\d{2})?(?: UTC)?)?")
_SLASHED = re.compile(r"(?<![\w/])(?P<m>1[0-2]|0?[1-9])/(?P<d>3[01]|[12]\d|0?[1-9])/(?P<y>(?:1[89]|20)?\d\d)(?![\w/])")
_ON = r"(?:on|by|until|till|from|to|since|before|after|through|and)"
_DAY = re.compile(rf"\b{_ON}\s+the\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)\b(?!\s+(?:century|anniversary|floor|[A-Z]))")
_FIRST = re.compile(r"\bfirst\s+(?P<n>\w+)\s+months(?:,?\s+(?:of\s+)?(?P<y>\d{4})\b)?", re.I)
_PART = re.compile(
    r"\b(?P<which>first|second|third|fourth)\s+(?P<part>quarter|half)(?:,?\s+(?:of\s+)?(?P<y>\d{4})\b)?", re.I
)
_LATER = re.compile(
    r"\b(?:the\s+(?P<by>next|following|previous)\s+day|the\s+day\s+(?P<way>before|after)|(?P<n>\w+)\s+days?\s+(?P<then>later|earlier|before|after))\b",
    re.I,
)
_IN = re.compile(r"\b(?:in|of|since|until|by|from|to|through|and|late|early|mid)[\s-]+$", re.IGNORECASE)
_WHICH = ("first", "second", "third", "fourth")


def dates(text: str, sent: datetime | None = None) -> Iterator[Placed]:
    """Year, month and day of each date of a text (year and day None where not written), and its characters; then `sent`."""
    rest = text = plain(text)
    for match in _ISO.finditer(rest):
        if 1 <= int(match["m"]) <= 12 and 1 <= int(match["d"]) <= 31:
            yield int(match["y"]), int(match["m"]), int(match["d"]), match.span()
            rest = blank(rest, match.span())
    for match in sorted([*_RANGE.finditer(rest), *_DAYS.finditer(rest)], key=lambda match: match.start()):
        if _is_word(match["m"]):
            continue
        year, month = int(match["y"]) if match["y"] else None, _MONTHS[_key(match["m"])]
        second = _MONTHS[_key(match["m2"])] if match.groupdict().get("m2") else month
        yield year, month, int(match["d"]), match.span()
        yield year, second, int(match["d2"]), match.span()
        rest = blank(rest, match.span())
    for match in _SLASHED.finditer(rest):
        year = int(match["y"])
        yield (
            year + (1900 if 20 < year < 100 else 2000 if year < 100 else 0),
            int(match["m"]),
            int(match["d"]),
            match.span(),
        )
        rest = blank(rest, match.span())
    for pattern in _DATES:
        for match in pattern.finditer(rest):
            word = match["m"]
            bare = not match["d"] and not match["y"]
            if _is_word(word) or (
                bare and (word[0].islower() or (_is_word(word.lower()) and not _IN.search(rest[: match.start()])))
            ):
                continue
            day = ORDINALS.get(match["d"].lower()) or int(match["d"]) if match["d"] else None
            if day is None or 1 <= day <= 31:
                yield int(match["y"]) if match["y"] else None, _MONTHS[_key(word)], day, match.span()
                rest = blank(rest, match.span())
    if sent:
        yield sent.year, sent.month, sent.day, (0, 0)


def _is_word(month: str) -> bool:
    """Whether it may be no month: `may`, `march`."""
    return month in ("may", "march", "mar")


def implied(text: str, own: Sequence[Placed]) -> Iterator[Placed]:
    """The dates that are said in other words, given the `own` ones: `on the 24th` is of the month of the date before it, and of the
    month that the text was sent in; `the next day` is one later than that; `the first nine months of 2010` begin in January and end
    in September."""
    text = plain(text)
    for match in _DAY.finditer(text):
        for year, month, _, _ in (*_before(match, own), *(one for one in own if one[3] == (0, 0))):
            yield year, month, int(match["d"]), match.span()
    sent_in = next((year for year, *_, span in own if span == (0, 0)), None)
    for match in _LATER.finditer(text):
        apart = next((number.value for number in numbers(match["n"] or "one")), 1.0)
        way = (match["by"] or match["way"] or match["then"]).lower()
        for year, month, day, _ in _before(match, own):
            if day and apart <= 31:
                days = day - 1 + int(-apart if way in ("previous", "before", "earlier") else apart)
                then = date(_whole(year or sent_in), month, 1) + timedelta(days=days)
                yield year and then.year, then.month, then.day, match.span()
    for match in _FIRST.finditer(text):
        months = next((number.value for number in numbers(match["n"])), 0.0)
        yield from _between(match, 1, int(min(months, 13)))
    for match in _PART.finditer(text):
        size = 3 if match["part"].lower() == "quarter" else 6
        last = size * (_WHICH.index(match["which"].lower()) + 1)
        yield from _between(match, last - size + 1, last)


def _before(match: re.Match[str], own: Sequence[Placed]) -> list[Placed]:
    """The last date before it, if there is one."""
    before = [one for one in own if one[3] != (0, 0) and one[3][1] <= match.start()]
    return [max(before, key=lambda one: one[3][1])] if before else []


def _whole(year: int | None) -> int:
    """The year, or one that is no leap year."""
    return year if year and 1 <= year <= 9000 else 2001


def _between(match: re.Match[str], first: int, last: int) -> Iterator[Placed]:
    if 1 <= last <= 12:
        year = int(match["y"]) if match["y"] else None
        yield year, first, None, match.span()
        yield year, last, None, match.span()


def dated(of: Date, own: Sequence[Placed], years: Container[int]) -> bool:
    """Whether one of the `own` dates is this one; where it says a year and that one none, `years` must have it, or it lies in the
    year before the day that the text was sent: `last August`, `in November`."""
    year, month, day = of
    sent = next((12 * y + m for y, m, _, span in own if span == (0, 0) and y), None)
    recent = year is not None and sent is not None and 0 <= sent - (12 * year + month) < 12
    return any(
        m == month
        and (day is None or d == day)
        and (year is None or y == year or (y is None and (year in years or recent)))
        for y, m, d, _ in own
    )


def is_weekday(name: str, source: str, own: Sequence[Placed]) -> bool:
    """Whether the source names that day of the week, or one of its dates falls on it, in the year that it says or that it was sent in."""
    sent_in = next((year for year, *_, span in own if span == (0, 0)), None)
    falls = set()
    for year, month, day, _ in own:
        if day and (year := year or sent_in) and 1 <= year <= 9000:
            falls.add(f"{date(year, month, 1) + timedelta(days=day - 1):%A}")
    return name in falls or re.search(rf"\b{name[:3]}(?:{name[3:]})?s?\b", source) is not None


def is_day(number: Number, text: str) -> bool:
    """Whether a number of the text is a day of a month: `on the 28th`, `the eleventh of that month`."""
    before, after = text[: number.start], text[number.end :]
    return bool(re.fullmatch(r"\w+(?:st|nd|rd|th)", number.words)) and bool(
        re.search(rf"\b{_ON}\s+the\s+$", before) or re.match(r"\s+of\s+(?:that|the|this|same)\b", after)
    )


def blank(text: str, span: tuple[int, int]) -> str:
    """The text with spaces in place of those characters."""
    return text[: span[0]] + " " * (span[1] - span[0]) + text[span[1] :]


def _key(month: str) -> str:
    month = month.lower().rstrip(".")
    return month if month in _MONTHS else month[:3]
