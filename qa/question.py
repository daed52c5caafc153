"""What a question says about itself: cables, paragraphs, dates and header fields it names.

Flows in: a question and its history. Flows out: a Question. Pure text; does not know the index.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from qa.follow import Standing, carried, is_joined, standing
from qa.named import Named, place, references
from qa.numbers import MONTHS

_CABLE_WORD = r"(?:cable|telegram|message|dispatch|report cable|it|this one|\d{2}[A-Z]{3,}\d+)"
_SENT_IN = re.compile(
    rf"\b(?P<month>{'|'.join(MONTHS)})\s+(?:\d{{1,2}},?\s+)?(?P<year>(?:19|20)\d\d)\s+(?:\w+\s+){{0,6}}?(?:cable|telegram|report text|text|dispatch)\b"
    rf"|\b(?:cables?|telegrams?|reported|sent|dated|written)\s+(?:\w+\s+){{0,2}}?(?:in|of|from|on|for)\s+(?:\d{{1,2}}\s+)?(?P<month2>{'|'.join(MONTHS)})"
    r"\s+(?:\d{1,2},?\s+)?(?P<year2>(?:19|20)\d\d)\b"
    rf"|\b(?P<month3>{'|'.join(MONTHS)})\s+(?:cable|telegram|dispatch)\b",
    re.IGNORECASE,
)
_MONTH_NAME = rf"(?:{'|'.join(month.capitalize() for month in MONTHS)})"
_DATED = rf"(?:\d{{1,2}}\s+)?{_MONTH_NAME}(?:\s+\d{{1,2}}\b,?)?(?:\s+(?:19|20)\d\d\b)?"
_OF_CABLES = re.compile(  # `the May and June 2009 cables`, `cables of May and of June`, `the December report`
    r"(?P<cables>\b(?:[Cc]able|[Tt]elegram|[Mm]essage)s?\s+(?:of|from|for|dated|(?:sent|written)\s+in)\s+(?:the\s+)?)?"
    rf"(?P<run>{_DATED}(?:(?:,|,?\s+(?:and|or))\s+(?:(?:the|in|of|from)\s+)*{_DATED})*)"
    r"(?P<after>\s+(?:cable|telegram|message)s?\b|\s+dispatch(?:es)?\b(?!\s+of)"
    r"|\s+(?P<report>reports?)\b(?!\s+(?:of|on|by|from|that|about)\b))?"
)
_SIDE_BY_SIDE = re.compile(  # reference IDs
    r"\b\d{2}[A-Za-z]{3,}\d{1,7},?(?:\s+(?:and|or|&|with|to|versus|vs|against|from|than|that|as well as|in|of|the|cable|differs?|disagrees?|compares?|compared|match(?:es)?))*\s+\d{2}[A-Za-z]{3,}\d{1,7}\b"
)
_SETS_APART = re.compile(
    r"\b(?:compare[ds]?|differ(?:s|ed)?|disagree[ds]?|contradict(?:s|ed)?|equal|same|than|between)\b", re.IGNORECASE
)
_AND_FIELDS = r"(?:(?:,|,?\s+and)\s+(?:the\s+)?(?:classification|signature|subject|tags|origin|addressees|references))*"
_HEADER_FIELDS = (
    ("Signature", rf"\bwho\s+(?:was it (?:that )?)?signed\b.*\b{_CABLE_WORD}\b|\b{_CABLE_WORD}\b.*\bsigned by\b|\bsignature\b|\bsignatory\b"),
    ("Date", rf"\bwhen\b.*\b{_CABLE_WORD}\b.*\b(?:sent|transmitted|dispatched|dated|go out)\b|\b(?:date|day)\b.*\b{_CABLE_WORD}\b.*\b(?:sent|bear|carr)|\bwhat is the date of\b.*\b{_CABLE_WORD}\b|\bdate\b{_AND_FIELDS}\s+of\s+(?:the\s+)?{_CABLE_WORD}\b"),
    ("TAGS", r"\b(?:subject |which |what )?tags\b"),
    ("Classification", rf"\bhow\b.*\b{_CABLE_WORD}\b.*\bclassified\b|\bclassification\b.*\b{_CABLE_WORD}\b|\b{_CABLE_WORD}\b.*\bclassification\b"),
    ("Subject", rf"\bsubject line\b|\bwhat is the subject of\b.*\b{_CABLE_WORD}\b"),
    ("References", rf"\bwhat are the references\b.*\b{_CABLE_WORD}\b|\b(?:which|what)\b.*\b(?:cables?|telegrams?)\b.*\b(?:does|do|is|are)\b.*\b(?:refer|reference|cite|mention)"),
    ("Origin", rf"\b(?:origin|sender)\b.*\bof\s+(?:the\s+)?{_CABLE_WORD}\b|\b(?:which|what)\b.*\b(?:post|embassy|consulate|mission)\b.*\b(?:sent|wrote|originated?|drafted|filed)\b.*\b{_CABLE_WORD}\b"),
    ("Addressees", rf"\b(?:to whom|who(?:m)?)\b.*\b{_CABLE_WORD}\b.*\b(?:addressed|sent to|copied)\b"),
)  # fmt: skip
_SAYS_CABLE = re.compile(r"\b(?:cable|telegram|message|dispatch)s?\b", re.IGNORECASE)
_ABOUT = re.compile(
    r"\bwhat(?:'s| is| does)?\b.*\b(?:about|deal with)\s*\??$|^\s*(?:summari[sz]e|sum up|give (?:me )?(?:a|the) summary|what is the summary)",
    re.I,
)
_SEVERAL = re.compile(
    r"\b(?:and|or|but|;)\s+(?:(?:to|in|on|by|for|at|from|of|with)\s+)?(?:what|who|whom|whose|how|which|when|where|why)\b"
    r"|\b(?:both|each|respectively)\b",
    re.IGNORECASE,
)
# characters of a question that are searched for a header field: those patterns take long over more
HEADER_QUESTION = 500


@dataclass(frozen=True, slots=True)
class Question:
    """A question that stands alone, and what it names.

    `fields` are the header fields it asks for, `about` whether it asks what a cable or paragraph says as a
    whole, `months` the (year or None, month) in which a cable it speaks of was sent, as far as can be guessed. `of_each`: whether
    it asks the same of several cables, those `named`, or those of the `months`. `leans`: how it stands, where it
    leans on others.
    """

    text: str
    named: tuple[Named, ...] = ()
    fields: tuple[str, ...] = ()
    about: bool = False
    months: tuple[tuple[int | None, int], ...] = ()
    of_each: bool = False
    leans: Standing | None = None

    @property
    def swaps(self) -> str:
        """What a follow-up of a few words asks the same of; empty where it is another cable, and for any other question."""
        return self.leans.swaps if self.leans and not self.months else ""


def read_question(text: str, history: Sequence[tuple[str, str]] = ()) -> Question:
    """What a question names; an empty question names nothing.

    A question that leans on the exchange before it, and names no cable, is about those that its question named.
    """
    stands = standing(text, history)
    whole = stands.text
    text = " ".join(text.split())
    if whole != text and not is_joined(whole):
        text = whole  # `what about 09TARN14?`
    cables = references(text) or (carried(history) if whole != text else [])
    section, paragraph, listed = place(text)
    named = tuple(Named(reference, section, paragraph, listed) for reference in cables)
    fields: tuple[str, ...] = ()
    if not paragraph and (cables or _SAYS_CABLE.search(text)):
        head = text[:HEADER_QUESTION]
        fields = tuple(name for name, pattern in _HEADER_FIELDS if re.search(pattern, head, re.IGNORECASE))
    sure = _months_of_cables(text)
    months = [*dict.fromkeys([*sure, *_months(text)])]
    dated = {month for year, month in months if year}
    months = [(year, month) for year, month in months if year or month not in dated]
    if cables:
        of_each = bool(_SIDE_BY_SIDE.search(text))
    else:
        of_each = len(set(sure)) > 1 or bool(sure and len(months) > 1 and _SETS_APART.search(text))
    leans = stands if stands.own else None
    return Question(whole, named, fields, bool(_ABOUT.search(text)), tuple(months), of_each, leans)


def _months(text: str) -> tuple[tuple[int | None, int], ...]:
    months = []
    for match in _SENT_IN.finditer(text):
        name = match["month"] or match["month2"] or match["month3"]
        year = match["year"] or match["year2"]
        months.append((int(year) if year else None, MONTHS.index(name.lower()) + 1))
    return tuple(months)


def _months_of_cables(text: str) -> list[tuple[int | None, int]]:
    """Those that a word for cables stands beside; one without a year has that of the last of those that it stands with."""
    months: list[tuple[int | None, int]] = []
    for match in _OF_CABLES.finditer(text):
        the = text[: match.start("run")].lower().endswith("the ")
        if match["cables"] or (match["after"] and (the or not match["report"])):
            dates = re.findall(rf"({_MONTH_NAME})(?:\s+\d{{1,2}}\b,?)?(?:\s+((?:19|20)\d\d)\b)?", match["run"])
            last = dates[-1][1]
            months += [
                (int(year or last) if year or last else None, MONTHS.index(name.lower()) + 1) for name, year in dates
            ]
    return months


def asks_several(text: str) -> bool:
    """Whether a question asks for several things: `... and how many ...?`, `both`, `each`."""
    return _SEVERAL.search(text) is not None


def sent_in(sent: date | None, months: Sequence[tuple[int | None, int]]) -> bool:
    """Whether a day lies in one of the months."""
    return sent is not None and any(sent.month == month and year in (None, sent.year) for year, month in months)
