"""What a question says about itself: cables, paragraphs, dates and header fields it names.

Flows in: a question and its history. Flows out: a Question. Pure text; does not know the index.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from index.cable import normalise_reference_id
from qa.numbers import MONTHS

_REFERENCE = re.compile(r"\b\d{2} ?[A-Z][A-Za-z]{2,}(?: [A-Z][A-Za-z]+){0,2} ?\d{1,7}\b")
_COMPACT = re.compile(r"\b\d{2}[A-Za-z]{3,}\d{1,7}\b")
_PARAGRAPH = re.compile(
    r"(?:¶|\bpara(?:graph)?s?\b\.?|\bsection\b(?=\s*(?:[IVX]+|[A-Z])\.))\s*(?P<section>(?:[IVX]+|[A-Z])(?:\.[A-Z][A-Z ]*)*\.)?0*(?P<number>\d{1,3})\b",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\b(?:item|point|entry|number|no\.?)\s*(\d{1,3})\b", re.IGNORECASE)
_SECTION = re.compile(r"\bsection\s+((?:[IVX]+|[A-Z])(?:\.[A-Z]+)*)\b")
_LIST = re.compile(r"\b(?:the\s+)?([a-z]+(?: courses?)?)\s+(?:list|subsection|heading)\b", re.IGNORECASE)
_MONTH = re.compile(  # a day, not a reference ID
    rf"(?:{'|'.join(MONTHS)}|\b\d{{2}}\s?(?:{'|'.join(month[:3] for month in MONTHS)}|sept))\s*\d", re.IGNORECASE
)
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
_ASKED_ABOUT = re.compile(r"\b(?:about|mentions?|mentioned|cites?|cited|corrects?|refers? to)\s+$", re.IGNORECASE)
_SETS_APART = re.compile(
    r"\b(?:compare[ds]?|differ(?:s|ed)?|disagree[ds]?|contradict(?:s|ed)?|equal|same|than|between)\b", re.IGNORECASE
)
_CABLE_BEFORE = r"(?:\b(?:[Tt]he\s+)?(?:[Cc]able|[Tt]elegram|[Mm]essage)s?\s+)"
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
_OPENS_AGAIN = re.compile(r"^\s*(?:and|but|so|then|what about|how about|who else|what else)\b", re.IGNORECASE)
_IS_IT_TRUE = re.compile(
    r"^\W*(?:is|was) it (?:true|possible|likely|known|correct|clear|the case) that\s+", re.IGNORECASE
)
_WHAT_OF = re.compile(  # `And 09TARN14?`, `what about the cable 09TARN14?`
    r"\W*(?:and|so|then|but)?\W*(?:what about|how about)?\s*(?:(?:in|for|of)\s+)?(?:the\s+)?(?:cable\s+)?(?P<id>\d{2}[A-Za-z]{3,}\d{1,7})\W*",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|she|him|her|his|hers|those|these|this|ones?|former|latter"
    r"|that(?! (?:is|are|was|were|had|has|have|did|could|would|will)\b)|(?<!is )(?<!are )(?<!was )(?<!were )there(?! (?:is|are|was|were)\b)"
    r"|the (?:same|other|others|year before|previous year|following year))\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\s)(?:[A-Z][a-z]{2,}|[A-Z]{2,})\b")
_SEVERAL = re.compile(
    r"\b(?:and|or|but|;)\s+(?:(?:to|in|on|by|for|at|from|of|with)\s+)?(?:what|who|whom|whose|how|which|when|where|why)\b"
    r"|\b(?:both|each|respectively)\b",
    re.IGNORECASE,
)
# characters of a question that are searched for a header field: those patterns take long over more
HEADER_QUESTION = 500
FEW = 5  # words: so short a question leans on what was asked before
STOP_WORDS = frozenset([
    "a", "about", "according", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "before",
    "being", "both", "but", "by", "can", "could", "did", "do", "does", "doing", "for", "from", "give", "given", "had",
    "has", "have", "having", "he", "her", "hers", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its",
    "itself", "just", "like", "many", "me", "might", "more", "most", "much", "must", "my", "no", "nor", "not", "of",
    "off", "on", "one", "only", "or", "other", "our", "out", "over", "own", "s", "same", "say", "says", "said", "she",
    "should", "so", "some", "such", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "through", "to", "too", "under", "until", "up", "us", "very", "was", "we", "were", "what",
    "when", "where", "which", "while", "who", "whom", "whose", "why", "will", "with", "would", "you", "your",
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """A cable, or a paragraph of one, that the question names. `listed`: the title of a list in the section."""

    reference_id: str
    section: str | None = None
    paragraph: str | None = None
    listed: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question that stands alone, and what it names.

    `fields` are the header fields it asks for, `about` whether it asks what a cable or paragraph says as a
    whole, `months` the (year or None, month) in which a cable it speaks of was sent, as far as can be guessed. `of_each`: whether
    it asks the same of several cables, those `named`, or those of the `months`.
    """

    text: str
    named: tuple[Named, ...] = ()
    fields: tuple[str, ...] = ()
    about: bool = False
    months: tuple[tuple[int | None, int], ...] = ()
    of_each: bool = False


def standalone(question: str, history: Sequence[tuple[str, str]]) -> str:
    """The question, with what was asked and answered before it in brackets where it leans on that; else unchanged.

    The last two questions and the last answer are kept. `What about 09TARN14?` is the question before it, asked of that cable. Source: the simplest of the baselines in conversational search (the last turns joined to the
    question); the reader is trained on questions of this form.
    """
    text = " ".join(question.split())
    # what is asked once more leans on nothing new
    history = [turn for turn in history if " ".join(turn[0].split()) != text]
    heard = " ".join(part for turn in history for part in turn)
    if history and (of := _WHAT_OF.fullmatch(text)):
        asked = " ".join(history[-1][0].split())
        return (
            _COMPACT.sub(of["id"], asked, count=1)
            if _COMPACT.search(asked)
            else f"{asked.rstrip(' ?.')} in {of['id']}?"
        )
    if not text or not history or _COMPACT.search(text) or not _leans(text, heard):
        return text
    asked = " ".join(question.strip() for question, _ in history[-2:])
    answered = " ".join(history[-1][1].split())[:200]
    return f"{text} ({f'{asked} {answered}'.strip()})"


def _carried(history: Sequence[tuple[str, str]]) -> list[str]:
    """The cables that the last question named, or, where it leaned on those before it, the last of those that named any."""
    for n in range(len(history) - 1, -1, -1):
        question, earlier = history[n][0], history[:n]
        if (found := _references(question)) or standalone(question, earlier) == " ".join(question.split()):
            return found
    return []


def is_joined(question: str) -> bool:
    """Whether a question is one that `standalone` joined to what was before it."""
    return question.endswith(")") and bool(re.search(r"\S \((?:[^()]*\?(?: |\)$)|(?:\S+ ){3,}).*\)$", question))


def _leans(text: str, heard: str) -> bool:
    """Whether a question points back: it opens so, has a pronoun with no name before it, or is a few words long and brings
    no name, and at most one other word, that was not `heard`."""
    text = _IS_IT_TRUE.sub("", text)
    words = len(text.split())
    if _OPENS_AGAIN.search(text):
        return True
    if words <= FEW and not _PRONOUN.search(text):
        known = set(re.findall(r"\w+", heard.lower())) | STOP_WORDS
        new = [word for word in re.findall(r"\w+", text) if word.lower() not in known]
        return len(new) < 2 and not any(name in new for name in _NAME.findall(text))
    if words <= FEW:
        return True
    pronoun = _PRONOUN.search(text)
    return pronoun is not None and (words <= FEW + 3 or not _NAME.search(text[: pronoun.start()]))


def read_question(text: str, history: Sequence[tuple[str, str]] = ()) -> Question:
    """What a question names; an empty question names nothing.

    A question that leans on the exchange before it, and names no cable, is about those that its question named.
    """
    whole = standalone(text, history)
    text = " ".join(text.split())
    if whole != text and not is_joined(whole):
        text = whole  # `what about 09TARN14?`
    references = _references(text) or (_carried(history) if whole != text else [])
    section, paragraph, listed = _paragraph(text)
    named = tuple(Named(reference, section, paragraph, listed) for reference in references)
    fields: tuple[str, ...] = ()
    if not paragraph and (references or _SAYS_CABLE.search(text)):
        head = text[:HEADER_QUESTION]
        fields = tuple(name for name, pattern in _HEADER_FIELDS if re.search(pattern, head, re.IGNORECASE))
    sure = _months_of_cables(text)
    months = [*dict.fromkeys([*sure, *_months(text)])]
    dated = {month for year, month in months if year}
    months = [(year, month) for year, month in months if year or month not in dated]
    if references:
        of_each = bool(_SIDE_BY_SIDE.search(text))
    else:
        of_each = len(set(sure)) > 1 or bool(sure and len(months) > 1 and _SETS_APART.search(text))
    return Question(whole, named, fields, bool(_ABOUT.search(text)), tuple(months), of_each)


def _references(text: str) -> list[str]:
    matches = [m for m in [*_COMPACT.finditer(text), *_REFERENCE.finditer(text)] if not _MONTH.search(m[0])]
    found = [normalise_reference_id(m[0]) for m in matches]
    return list(dict.fromkeys(reference for reference in found if reference))


def _paragraph(text: str) -> tuple[str | None, str | None, str | None]:
    match = _PARAGRAPH.search(text)
    named = _SECTION.search(text)
    item = _ITEM.search(text)
    section = match["section"].rstrip(".") if match and match["section"] else named[1] if named else None
    listed = _LIST.search(text)
    if match:
        return section, match["number"], listed[1] if listed else None
    if item and (section or listed):
        return section, item[1], listed[1] if listed else None
    return section, None, None


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


def without_reference_ids(text: str, named: Collection[str]) -> str:
    """The question with `the cable` for each reference ID of `named`, `the cables` for several side by side: what it asks of them, for
    a reader whose passages do not say what cable they are of. One that it asks about (`what does it say about 09TARN14?`) stays."""

    def bare(found: re.Match[str]) -> str:
        asked_about = _ASKED_ABOUT.search(found.string[: found.start()])
        return "\0" if normalise_reference_id(found[0]) in named and not asked_about else found[0]

    for pattern in (_COMPACT, _REFERENCE):
        text = pattern.sub(bare, text)
    text = re.sub(rf"{_CABLE_BEFORE}?\0(?:(?:,|\s+(?:and|or|in|of|from|the|cable)\b)*\s*\0)+", "the cables", text)
    return re.sub(rf"{_CABLE_BEFORE}?\0", "the cable", text)


def is_surely_named(reference_id: str, text: str) -> bool:
    """Whether a question has a reference ID as the archive writes it, or spaced and in capitals: `20 Boeing 737` is none."""
    return (
        re.search(rf"\b{reference_id}\b", re.sub(r"(?<=\d) (?=[A-Z]{3})|(?<=[A-Z]{3}) (?=0*\d)", "", text), re.I)
        is not None
    )


def asks_several(text: str) -> bool:
    """Whether a question asks for several things: `... and how many ...?`, `both`, `each`."""
    return _SEVERAL.search(text) is not None


def sent_in(sent: date | None, months: Sequence[tuple[int | None, int]]) -> bool:
    """Whether a day lies in one of the months."""
    return sent is not None and any(sent.month == month and year in (None, sent.year) for year, month in months)
