"""The cables, and the paragraphs of them, that a text names.

Flows in: a text. Flows out: reference IDs and places, as written; does not know whether they are there.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from index.cable import normalise_reference_id
from qa.numbers import MONTHS

_REFERENCE = re.compile(r"\b\d{2} ?[A-Z][A-Za-z]{2,}(?: [A-Z][A-Za-z]+){0,2} ?\d{1,7}\b")
COMPACT = re.compile(r"\b\d{2}[A-Za-z]{3,}\d{1,7}\b")
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
_ASKED_ABOUT = re.compile(r"\b(?:about|mentions?|mentioned|cites?|cited|corrects?|refers? to)\s+$", re.IGNORECASE)
_CABLE_BEFORE = r"(?:\b(?:[Tt]he\s+)?(?:[Cc]able|[Tt]elegram|[Mm]essage)s?\s+)"


@dataclass(frozen=True, slots=True)
class Named:
    """A cable, or a paragraph of one, that the question names. `listed`: the title of a list in the section."""

    reference_id: str
    section: str | None = None
    paragraph: str | None = None
    listed: str | None = None


def references(text: str) -> list[str]:
    """The reference IDs in a text, as the archive writes them, each once; those in the archive's own spelling first."""
    matches = [m for m in [*COMPACT.finditer(text), *_REFERENCE.finditer(text)] if not _MONTH.search(m[0])]
    found = [normalise_reference_id(m[0]) for m in matches]
    return list(dict.fromkeys(reference for reference in found if reference))


def place(text: str) -> tuple[str | None, str | None, str | None]:
    """The section, the paragraph and the title of the list that a text names, None for what it does not."""
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


def without_reference_ids(text: str, named: Collection[str]) -> str:
    """The question with `the cable` for each reference ID of `named`, `the cables` for several side by side: what it asks of them, for
    a reader whose passages do not say what cable they are of. One that it asks about (`what does it say about 09TARN14?`) stays."""

    def bare(found: re.Match[str]) -> str:
        asked_about = _ASKED_ABOUT.search(found.string[: found.start()])
        return "\0" if normalise_reference_id(found[0]) in named and not asked_about else found[0]

    for pattern in (COMPACT, _REFERENCE):
        text = pattern.sub(bare, text)
    text = re.sub(rf"{_CABLE_BEFORE}?\0(?:(?:,|\s+(?:and|or|in|of|from|the|cable)\b)*\s*\0)+", "the cables", text)
    return re.sub(rf"{_CABLE_BEFORE}?\0", "the cable", text)


def is_surely_named(reference_id: str, text: str) -> bool:
    """Whether a question has a reference ID as the archive writes it, or spaced and in capitals: `20 Boeing 737` is none."""
    return (
        re.search(rf"\b{reference_id}\b", re.sub(r"(?<=\d) (?=[A-Z]{3})|(?<=[A-Z]{3}) (?=0*\d)", "", text), re.I)
        is not None
    )
