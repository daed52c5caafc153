"""The exact facts of a statement that its sources do not have: figures, dates, names, reference IDs and quotations.

Flows in: a statement, the text that it rests on, and when that was sent. Flows out: problems, each a kind and the words of
the statement. No model: a fact counts as there where its value stands anywhere in the text, however it is written, or follows from
what does (`qa.reckon`, `qa.dates`). Whether it stands there *of the same thing* is for the trained reader (`qa.verify`) to tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from index.cable import normalise_reference_id
from qa.dates import WEEKDAYS, Placed, blank, dated, dates, implied, is_day, is_weekday
from qa.names import akin, capitalised, named, names, spelled, vocabulary, words_of
from qa.numbers import ROUGHLY, Number, figures, numbers
from qa.reckon import Figures, clock_times
from qa.words import STOP_WORDS

_DIRECTED = re.compile(r"\b(?P<way>North|South|East|West)(?P<ern>ern)?\s+(?P<name>[A-Z][a-z]+)")
_OPPOSITE = {"North": "South", "South": "North", "East": "West", "West": "East"}
_REFERENCE = re.compile(r"\b\d{2}[A-Z]{3,}\d{1,7}\b")
_QUOTATION = re.compile(  # in single quotes three words at least: two may be a title, or a plural's genitive
    r"[\"“](?P<words>[^\"”]{3,}?)[\"”]|(?<!\w)['‘](?P<single>[^\W\d](?:[^\s'’\"“”]|(?<=\w)['’](?=\w))*(?:\s+(?:[^\s'’\"“”]|(?<=\w)['’](?=\w))+){2,})['’](?!\w)"
)
_OMITTED = re.compile(r"\.\.\.|…|\[[^\]]*\]")
_RECASED = re.compile(r"\[(\w)\](?=\w)")  # `[t]he`
_SIGNS = re.compile(r"\b(?:USD|EUR|GBP|(?:US|[ACH]|HK|NZ)(?=[$€£]))")
_ORDER = re.compile(r"\bE\.?O\.? ?\d+")
_CENTURY = re.compile(r"\b(?P<which>\w+(?:-\w+)?)[\s-]century\b", re.IGNORECASE)
_COUNTRIES = re.compile(
    r"\b(?:United States|United Kingdom|Great Britain|Soviet Union|Saudi Arabia|United Nations|European Union)\b"
)
_LAST = re.compile(r"\b(?:last|previous|prior)\s+(?:year|month)|\byear (?:before|earlier|ago)", re.IGNORECASE)
_NEXT = re.compile(r"\bnext (?:year|month)|\byear (?:after|later)", re.IGNORECASE)


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
    normal = f" {_plain(source)} "
    for match in _QUOTATION.finditer(statement):
        quoted = _OMITTED.split(_RECASED.sub(r"\1", match["words"] or match["single"]))
        if not all(f" {_plain(part)} " in normal for part in quoted if part.strip()):
            found.append((match.start(), Problem("quotation", match[0])))
            rest = blank(rest, match.span())
    references = {normalise_reference_id(found) for found in _REFERENCE.findall(source)}
    for match in _REFERENCE.finditer(rest):
        if normalise_reference_id(match[0]) not in references:
            found.append((match.start(), Problem("reference", match[0])))
        rest = blank(rest, match.span())
    own = list(dates(source, sent))
    otherwise = list(implied(source, own))
    figures_there = _figures(source, own, sent)
    for year, month, day, span in dates(statement):
        if not dated((year, month, day), [*own, *otherwise], figures_there.years):
            found.append((span[0], Problem("date", statement[slice(*span)])))
        rest = blank(rest, span)
    for match in WEEKDAYS.finditer(rest):
        if not is_weekday(match[0], source, own):
            found.append((match.start(), Problem("date", match[0])))
        rest = blank(rest, match.span())
    for match in _CENTURY.finditer(rest):
        first = next((int(number.value) for number in numbers(match["which"])), 0) * 100 - 99
        if any(first <= year < first + 100 for year in figures_there.years):
            rest = blank(rest, match.span())
    for match in clock_times(rest):
        if not figures_there.has_time(match[0]):
            found.append((match.start(), Problem("figure", match[0])))
        rest = blank(rest, match.span())
    days = {day for *_, day, _ in [*own, *otherwise]}
    for number in numbers(rest):
        if is_day(number, rest) and number.value in days:
            continue  # `the eleventh of that month`, `on the 28th`
        if not figures_there.has(number, rest):
            found.append((number.start, Problem("date" if number.year else "figure", number.words)))
    words, capitals = vocabulary(source), capitalised(source)
    for match in _SIGNS.finditer(rest):
        rest = blank(rest, match.span())
    for match in _COUNTRIES.finditer(rest):
        if not named(match[0], words, capitals):
            found.append((match.start(), Problem("name", match[0])))
        rest = blank(rest, match.span())
    for match in _DIRECTED.finditer(rest):
        way, other = match["way"], _OPPOSITE[match["way"]]
        name = re.sub(r"ns?$", "", match["name"])
        stands = rf"\b{way}(?:ern)?\s+(?:(?:and|or)\s+\w+\s+)?{name}"
        if name == "Korea":
            stands += r"|\bDPRK\b" if way == "North" else r"|\bROK\b" if way == "South" else ""
        if not re.search(stands, source) and re.search(rf"\b{other}(?:ern)?\s+{name}", source):
            found.append((match.start(), Problem("name", match[0])))
            rest = blank(rest, match.span())
    for start, name in names(rest):
        lacking = [
            part
            for part in words_of(name)
            if not named(part, words, capitals)
            and not spelled(part, source)
            and not spelled(part, rest.replace(part, ""))
        ]
        if lacking and not spelled(name, source):
            found.append((start, Problem("name", name if len(lacking) > 1 else lacking[0])))
    found.sort(key=lambda pair: pair[0])
    return list(dict.fromkeys(problem for _, problem in found))


def _figures(source: str, own: Sequence[Placed], sent: datetime | None) -> Figures:
    """The figures of a source with its `own` dates."""
    undated = source
    for span in (
        *(span for *_, span in own),
        *(match.span() for mark in (_REFERENCE, _ORDER) for match in mark.finditer(source)),
    ):
        undated = blank(undated, span)
    years = {int(n.value) for n in numbers(undated) if n.year} | {y for y, _, _, _ in own if y}
    if sent:
        years |= {
            sent.year,
            *(sent.year - 1 for _ in _LAST.finditer(source)),
            *(sent.year + 1 for _ in _NEXT.finditer(source)),
        }
    days = [365.25 * y + 182.6 for y in sorted(years)]
    days += [365.25 * (y or min(years, default=0)) + 30.44 * m + (d or 15) for y, m, d, _ in own]
    return Figures(undated, frozenset(years), tuple(days))


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
    `fifteen hundred` -> `1,500`, `the 3rd of March` -> `March 3`; and a rounded number (`over 600`) as the one that it rounds. A network compares words; what they are worth is known here."""
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
            if (m, d) == (month, day) and y == year and at not in ranges_there
        ]
        if same and statement[slice(*span)] not in same and span not in ranges:
            changes.append((*span, same[0]))
        rest = blank(rest, span)
    said = [number for number in numbers(undated) if _counts(number)]
    for number in numbers(rest):
        if not _counts(number):
            continue
        same = [other.words for other in said if other.value == number.value]
        near = {other.words for other in said if number.agrees(other) and number.percent == other.percent}
        if same and number.words not in same:
            changes.append((number.start, number.end, same[0]))
        elif not same and len(near) == 1 and (hedge := ROUGHLY.search(rest[: number.start])):
            sign = re.search(r"(?:US)?[$€£]?$", hedge[0])
            changes.append((hedge.start(), number.end, f"{sign[0] if sign else ''}{near.pop()}"))
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


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower().replace("’", "'")))
