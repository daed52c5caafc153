"""The citations that stand in a text: `09TARN14 ¶2`, `(09 Port Selwyn 203, paras 2-4 and 7)`, `09TARN14 ¶II.A.2, ¶II.B.1`.

Flows in: a text and the origins of the cables that there are. Flows out: a Mention for each cable that it cites, with the places
in it. Does not know whether they are there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from index.cable import Citation, normalise_reference_id
from qa.numbers import MONTHS

MOST = 99  # paragraphs of a range
_ID = r"(?<!\w)\d{2}(?:[A-Za-z]{3,}|\ ?[A-Z][A-Za-z]*(?:[ .'-][A-Z][A-Za-z]*){0,2}\ ?)\d{1,7}\b"
_MARK = r"(?:(?:\b(?:at|in)\s+)?(?:¶+|§+|\bpar(?:a(?:graph)?)?s?\b\.?)\s*)"
_PLURAL = r"(?:(?:\b(?:at|in)\s+)?(?:¶¶+|§§+|\bpar(?:a(?:graph)?)?s\b\.?)\s*)"
_ITEM = r"(?:\.?[A-Z]|\([A-Za-z]\))?(?!\w)"  # `¶24.F`, `¶24(f)`: a paragraph's lettered item is a part of it
_NUMBER = rf"\d{{1,3}}(?!\d|[,.]\d){_ITEM}(?!\s+[A-Z]{{3}})"  # not the year of the next reference ID
_SECTION = r"(?:[IVXivx]+|[A-Za-z])(?:\.[A-Za-z][A-Za-z /&-]*)*\."
_LABEL = rf"(?:header\b|{_SECTION}\d{{1,3}}(?!\d){_ITEM}|{_NUMBER})"
# `section II.B, para. 1`, `II.C.DELIVERED ¶2`, `II.A.1`
_SECTIONED = rf"(?:sec(?:tion|\.)?\s+)?(?:[IVX]+|[A-Z])(?:\.[A-Z][A-Z /&-]*)*(?:\.\d{{1,3}}(?!\d){_ITEM}|,?\s*{_MARK}\d{{1,3}}(?!\d))"
_DASH = r"\s*(?:[-–—]|\bto\b|\bthrough\b)\s*"
_AND = r"(?:\s*[,;&]\s*(?:(?:and|&)\s+)?|\s+and\s+)"
_CLOSES = rf"(?=(?:(?:{_AND}|{_DASH})(?:{_MARK})?{_LABEL}){{0,20}}\s*(?:$|[)\]]|[.,;:?!](?!\d)))"
# what is in no brackets, and has no mark of its own, may be a figure: `¶2, 5 ships`
_MORE = rf"(?:(?:{_AND}|{_DASH}){_MARK}{_LABEL}|\s*[-–—]\s*{_LABEL}|(?:{_AND}|{_DASH}){_LABEL}{_CLOSES})"
_LIST = rf"(?:{_PLURAL}{_LABEL}(?:(?:{_AND}|{_DASH})(?:{_MARK})?{_LABEL})*|(?:{_MARK}{_LABEL}|{_SECTIONED}){_MORE}*)"
_PLACES = rf"(?:,?\s*{_LIST}|\s*\(\s*{_LIST}\s*\))"
_OF = rf"(?:(?P<before>{_MARK}{_LABEL}(?:(?:{_AND}|{_DASH})(?:{_MARK})?{_LABEL}){{0,20}})\s+(?:of|in)\s+(?:the\s+)?(?:(?:cable|telegram)\s+)?)?"
_CITED = re.compile(rf"{_OF}(?P<id>{_ID})(?P<places>{_PLACES})?")
_PLACE = re.compile(rf"(?P<to>{_DASH})?(?P<mark>{_MARK})?(?P<label>{_SECTIONED}|{_LABEL})")
_ONE = rf"(?>{_ID}(?:{_PLACES})?)"
_AFTER_STOP = re.compile(
    rf"(?<!\.[A-Z])(?P<stop>[.!?][\"”]?)(?:[ \t]*|\s*\n(?=[^\n]*[)\]]\.?[ \t]*$))"
    rf"(?P<cited>[(\[](?:see |cf\.? )?{_ONE}(?:[,;]?\s*(?:and )?{_ONE})*+[)\]])\.?(?=\s|$)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A cable that a text cites at the characters `start` to `end`, in the words `words`, and its `places` in the order written: the
    whole cable where no paragraph is named."""

    start: int
    end: int
    words: str
    places: tuple[Citation, ...]


def mentions(text: str, origins: Collection[str]) -> Iterator[Mention]:
    """The cables that `text` cites. A reference ID not written as the archive does (`09 Port Selwyn 203`, `09tarn14`) is one where its
    origin is among `origins`, or a paragraph follows."""
    for match in _CITED.finditer(text):
        name = normalise_reference_id(match["id"])
        if (
            name
            and origin_of(name).lower() not in MONTHS
            and (re.fullmatch(r"\d+[A-Z]{3,}\d+", match["id"]) or match["places"] or origin_of(name) in origins)
        ):
            places = tuple(_places(name, match["before"] or match["places"] or "")) or (Citation(name),)
            yield Mention(match.start(), match.end(), match[0], places)


def origin_of(reference_id: str) -> str:
    """The letters of a reference ID: `09TARN14` -> `TARN`."""
    return re.sub(r"\d", "", reference_id)


def before_the_stop(text: str) -> str:
    """The text with each citation in brackets that follows a full stop put before it: `so. (10X1 ¶2)` -> `so (10X1 ¶2).`"""
    return _AFTER_STOP.sub(r" \g<cited>\g<stop>", text)


def _places(name: str, text: str) -> Iterator[Citation]:
    last: Citation | None = None
    for match in _PLACE.finditer(text):
        place = _place(name, match["label"])
        if last and not match["mark"] and not place.section:
            place = replace(place, section=last.section)  # `¶II.A.2-4`
        if match["to"] and last and last.paragraph and place.paragraph:
            first, end = int(last.paragraph), int(place.paragraph)
            if last.section != place.section or not first < end <= first + MOST:
                place = replace(last, paragraph=f"{first}-{place.label}")  # resolves to nothing, and is said to
            else:
                yield from (replace(last, paragraph=str(n)) for n in range(first + 1, end))
        yield place
        last = place if (place.paragraph or "").isdigit() else None


def _place(name: str, label: str) -> Citation:
    if label.lower() == "header":
        return Citation(name, None, "header")
    bare = re.sub(r"^sec(?:tion|\.)?\s+", "", label)
    match = re.fullmatch(rf"(?P<section>.*?)(?:\.|,?\s*{_MARK})?(?P<number>\d{{1,3}}){_ITEM}", bare)
    assert match
    return Citation(name, match["section"].upper() or None, str(int(match["number"])))
