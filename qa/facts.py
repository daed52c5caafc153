"""The exact facts of a statement that its sources do not have: figures, dates, names, reference IDs and quotations.

Flows in: a statement, the text that it rests on, and when that was sent. Flows out: problems, each a kind and the words of
the statement. No model: a fact counts as there where its value stands anywhere in the text, however it is written. Whether it
stands there *of the same thing* is for the checker (`qa.verify`) to read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from qa.dates import blank, dated, dates, implied
from qa.names import akin, named, names, spelled, vocabulary, words_of
from qa.numbers import Number, figures, numbers, unscaled
from qa.question import STOP_WORDS

_CLOCK = re.compile(r"\b(?P<h>[01]?\d|2[0-3]):(?P<min>[0-5]\d)\b(?!:)(?:\s*(?P<half>[ap])\.?m\b\.?)?", re.I)
_MILITARY = re.compile(r"\b(?!(?:19|20)\d\d\b(?!\s*(?:hours|hrs|local)))(?P<h>[01]\d|2[0-3])(?P<min>[0-5]\d)\b(?!,)")
_DIRECTED = re.compile(r"\b(?P<way>North|South|East|West)(?P<ern>ern)?\s+(?P<name>[A-Z][a-z]+)")
_OPPOSITE = {"North": "South", "South": "North", "East": "West", "West": "East"}
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
_REFERENCE = re.compile(r"\b\d{2}[A-Z]{3,}\d{1,7}\b")
_QUOTATION = re.compile(r"[\"“]([^\"”]{3,}?)[\"”]")
_COUNTRIES = re.compile(
    r"\b(?:United States|United Kingdom|Great Britain|Soviet Union|Saudi Arabia|United Nations|European Union)\b"
)
_LAST = re.compile(
    r"\b(?:last|previous|prior)\s+(?:year|month)|\byear (?:before|earlier|ago)|\bnext (?:year|month)", re.I
)
RECKONED = 20  # least number that may be reckoned from others: of smaller ones too many could be
HALF_YEAR = 6 * 30.44  # days, as `Number.days` has them
COUNTED = 4  # numbers in words up to this may have been counted by the writer: `two`, where both are named


@dataclass(frozen=True, slots=True)
class Problem:
    """What a statement has and its sources lack: `kind` is figure, date, name, reference or quotation."""

    kind: str
    words: str

    def __str__(self) -> str:
        return f"{self.kind} {self.words}"


def missing(statement: str, source: str, sent: datetime | None = None) -> list[Problem]:
    """The facts of `statement` that do not stand in `source` and do not follow from the day that it was `sent`, in order."""
    found: list[tuple[int, Problem]] = []
    rest = statement
    normal = _plain(source)
    for match in _QUOTATION.finditer(statement):
        if not all(_plain(part) in normal for part in re.split(r"\.\.\.|…|\[[^\]]*\]", match[1]) if part.strip()):
            found.append((match.start(), Problem("quotation", match[0])))
            rest = blank(rest, match.span())
    for match in _REFERENCE.finditer(rest):
        if match[0] not in source:
            found.append((match.start(), Problem("reference", match[0])))
        rest = blank(rest, match.span())
    own = list(dates(source, sent))
    said_otherwise = list(implied(source, own))
    undated = source
    for *_, span in own:
        undated = blank(undated, span)
    said = list(numbers(undated))
    years = {int(n.value) for n in said if n.year} | {y for y, _, _, _ in own if y}
    if sent:
        years |= {sent.year, sent.year - 1, sent.year + 1} if _LAST.search(source) else {sent.year}
    days = [365.25 * y + 182.6 for y in sorted(years)]
    days += [365.25 * (y or min(years, default=0)) + 30.44 * m + (d or 15) for y, m, d, _ in own]
    for year, month, day, span in dates(statement):
        if not dated((year, month, day), [*own, *said_otherwise], years):
            found.append((span[0], Problem("date", statement[slice(*span)])))
        rest = blank(rest, span)
    times = set(_times(source, _CLOCK)) | set(_times(undated, _MILITARY))
    for match in _CLOCK.finditer(rest):
        if not set(_times(match[0], _CLOCK)) & times:
            found.append((match.start(), Problem("figure", match[0])))
        rest = blank(rest, match.span())
    for number in numbers(rest):
        if re.fullmatch(r"\w+(?:st|nd|rd|th)", number.words) and number.value in {
            d for *_, d, _ in [*own, *said_otherwise]
        }:
            continue  # `the eleventh of that month`, `the 28th`
        if _hour(number, rest, times):
            continue
        if not _stands(number, said, years, days, rest, undated):
            found.append((number.start, Problem("date" if number.year else "figure", number.words)))
    words = vocabulary(source)
    for match in _COUNTRIES.finditer(rest):
        if not named(match[0], words):
            found.append((match.start(), Problem("name", match[0])))
        rest = blank(rest, match.span())
    for match in _DIRECTED.finditer(rest):
        way, other = match["way"], _OPPOSITE[match["way"]]
        stands = rf"\b{way}(?:ern)?\s+(?:(?:and|or)\s+\w+\s+)?{match['name']}|\bDPRK\b|\bROK\b"
        if not re.search(stands, source) and re.search(rf"\b{other}(?:ern)?\s+{match['name']}", source):
            found.append((match.start(), Problem("name", match[0])))
            rest = blank(rest, match.span())
    for start, name in names(rest):
        lacking = [part for part in words_of(name) if not named(part, words)]
        if lacking and not spelled(name, source):
            found.append((start, Problem("name", name if len(lacking) > 1 else lacking[0])))
    found.sort(key=lambda pair: pair[0])
    return list(dict.fromkeys(problem for _, problem in found))


def has_words_of(statement: str, source: str) -> bool:
    """Whether any word of the statement that means something, or a number in it, stands in the source in some form."""
    there = vocabulary(source) - STOP_WORDS
    own = {word for word in vocabulary(statement) if word not in STOP_WORDS and len(word) > 1}
    return (
        not own
        or any(word in there or (len(word) > 3 and any(akin(word, other) for other in there)) for word in own)
        or any(number.agrees(other) for number in numbers(statement) for other in numbers(source))
    )


def as_written(statement: str, source: str) -> str:
    """The statement with its dates and numbers in the words in which the source has them, where it has the same in others:
    `fifteen hundred` -> `1,500`, `the 3rd of March` -> `March 3`. A network compares words; what they are worth is known here."""
    changes: list[tuple[int, int, str]] = []
    rest, undated = statement, source
    there = [(date, span) for *date, span in dates(source)]
    ranges, ranges_there = (_ranges(text) for text in (statement, source))
    for _, span in there:
        undated = blank(undated, span)
    for year, month, day, span in dates(statement):
        same = [
            source[slice(*at)]
            for (y, m, d), at in there
            if (m, d) == (month, day) and (y == year or None in (y, year)) and at not in ranges_there
        ]
        if same and statement[slice(*span)] not in same and span not in ranges:
            changes.append((*span, same[0]))
        rest = blank(rest, span)
    said = [number for number in numbers(undated) if _counts(number)]
    for number in numbers(rest):
        same = [other.words for other in said if other.value == number.value]
        if same and _counts(number) and number.words not in same:
            changes.append((number.start, number.end, same[0]))
    for start, end, words in sorted(changes, reverse=True):
        statement = statement[:start] + words + statement[end:]
    return statement


def _ranges(text: str) -> set[tuple[int, int]]:
    """The characters of ranges of days, which are two dates in one."""
    spans = Counter(span for *_, span in dates(text))
    return {span for span, n in spans.items() if n > 1}


def _counts(number: Number) -> bool:
    """Whether the words alone say what the number is worth, and that as a count: no `third`, `single`, no `twelve` of `twelve to
    fourteen thousand`."""
    return not number.share and not number.year and figures(number.words) == {number.value: number.words}


def has_facts(statement: str) -> bool:
    """Whether a statement has a figure, date, name, reference ID or quotation: something that a source should be cited for."""
    return bool(missing(statement, ""))


def _times(text: str, pattern: re.Pattern[str]) -> Iterator[int]:
    """The minutes since midnight of each time of day; of one that does not say which half of the day, both."""
    for match in pattern.finditer(text):
        hour, minute, half = int(match["h"]), int(match["min"]), (match.groupdict().get("half") or "").lower()
        if half:
            hour = hour % 12 + 12 * (half == "p")
        yield hour * 60 + minute
        if not half and ":" in match[0] and 1 <= hour <= 12:
            yield (hour + 12) % 24 * 60 + minute


def _hour(number: Number, statement: str, times: set[int]) -> bool:
    """Whether it is an hour, said as one word, near one of the `times` that stand there: `until five`, `a quarter to five`."""
    if number.words[0].isdigit() or not re.search(
        r"\b(?:at|before|after|until|till|past|to|by|around)\s+$", statement[: number.start]
    ):
        return False
    return any(min(apart := abs(number.value * 60 - time) % 720, 720 - apart) <= 30 for time in times)


def _stands(
    number: Number, said: list[Number], years: set[int], days: Sequence[float], statement: str, source: str
) -> bool:
    if _loosely(number, statement):
        return True
    own = _currency(statement, number)
    if any(
        number.agrees(other) and {own, _currency(source, other)} - {None} <= {own or _currency(source, other)}
        for other in said
    ):
        return True
    if number.year and int(number.value) in years:
        return True
    values = sorted({other.value for other in said} | {float(y) for y in years})
    if number.words.lower() in ("twice", "thrice") and not re.match(
        r"\s+(?:as|the|that|what)\b", statement[number.end :]
    ):
        return True  # `said so twice`: counted by the writer
    if number.share or re.match(r"[\s-]*(?:times|fold)\b", statement[number.end :]):  # a quarter, four times: 2 and 8
        ratio = number.value if number.value < 1 else 1 / max(number.value, 1.0)
        near = (0.3 if number.about else 0.05) * ratio  # `less than half`, `nearly doubled`
        return any(abs(a / b - ratio) <= near for a in values for b in values if 0 < a < b)
    if number.value in (0.0, 1.0) and not number.words[0].isdigit():
        return True  # `one`, `single`: no figure
    after = statement[number.end :]
    if number.value <= COUNTED and not number.words[0].isdigit():  # counted, unless another number stands there
        noun = re.match(r"[\s-]+([a-z]{3,})", after)
        stem = noun[1][:5] if noun else "-"
        return not any(re.match(rf"[\s-]+(?:[\w-]+[\s-]+)?{stem}", source[other.end :]) for other in said)
    if number.days == HALF_YEAR and any(other.value == 0.5 for other in said):
        return True  # `the first six months`, where the first half stands
    if number.days and any(
        abs(abs(a - b) - number.days) <= 0.05 * number.days + 0.5 for a in days for b in days if a < b
    ):
        return True  # from one date that stands there to another
    if number.days or re.match(r"[\s-]*(?:point|percentage)", after):  # a difference of two that stand there
        return any(abs(abs(a - b) - number.value) < 1e-6 for a in values for b in values if a != b)
    if _bare(number, said, source):
        return True
    return number.value >= RECKONED and not number.year and _reckoned(number, said)


def _loosely(number: Number, statement: str) -> bool:
    """Whether it is no exact figure: the `decade` of `the following decade`, the `ten` of `four in ten`, `a quarter to five`."""
    before = statement[: number.start]
    if re.fullmatch(r"decade|century", number.words, re.IGNORECASE):
        return bool(re.search(r"\b(?:next|following|previous|last|past|same|that|this|turn of the)\s+$", before))
    if number.share and re.match(r"\s+(?:to|past)\s+[a-z]", statement[number.end :]):
        return True
    return not number.words[0].isdigit() and any(
        re.fullmatch(r"\s+in\s+", before[one.end :]) for one in numbers(before)
    )


def _bare(number: Number, said: Sequence[Number], source: str) -> bool:
    """Whether it stands there without its scale, which stands elsewhere: `3.1 million`, where `3.1 of the 4.0 million` is written."""
    value, scale = unscaled(number) or (0.0, "")
    return bool(scale and re.search(rf"\b{scale}s?\b", source, re.IGNORECASE)) and any(
        other.value == value and re.fullmatch(r"[\d.,]+", other.words) for other in said
    )


def _reckoned(number: Number, said: Sequence[Number]) -> bool:
    """Whether it is the sum, difference or product of two counts that stand there: `22`, where 190 of 212 were granted."""
    near = (0.05 if number.about else 1e-6) * number.value
    counts = sorted({other.value for other in said if not other.year and not other.share and other.value > 1})
    if any(abs(a * b.value - number.value) <= near for a in counts for b in said if b.share):
        return True  # `240,000`, where half of 480,000 stands
    return any(
        abs(result - number.value) <= near
        for n, a in enumerate(counts)
        for b in counts[n + 1 :]
        for result in (a + b, b - a, a * b)
    )


def _currency(text: str, number: Number) -> str | None:
    """The currency that a number is an amount of, where it is said in a way that is known."""
    before, after = text[max(0, number.start - 5) : number.start], text[number.end : number.end + 14].lstrip(" -")
    for pattern, name in _CURRENCIES:
        if ((match := pattern.search(before)) and match.end() == len(before)) or pattern.match(after):
            return name
    return None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower().replace("’", "'")))
