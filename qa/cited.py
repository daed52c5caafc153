"""The citations that stand in a text: `09TARN14 ¶2`, `(09 Port Selwyn 203, paras 2-4 and 7)`, `09TARN14 ¶II.A.2, ¶II.B.1`.

Flows in: a text and the origins of the cables that there are. Flows out: a Mention for each cable that it cites, with the places
in it. Does not know whether they are there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from index.cable import Citation, normalise_reference_id

MOST = 40  # paragraphs of a range
_ID = r"(?<!\w)\d{2}(?:[A-Za-z]{3,}|\ ?[A-Z][A-Za-z]*(?:[ .'-][A-Z][A-Za-z]*){0,2}\ ?)\d{1,7}\b"
_MARK = r"(?:¶+|§+|\bpara(?:graph)?s?\b\.?)\s*"
_PLURAL = r"(?:¶¶+|§§+|\bpara(?:graph)?s\b\.?)\s*"
_ITEM = r"(?:\.?[A-Z]|\([A-Za-z]\))?(?!\w)"  # `¶24.F`, `¶24(f)`: a paragraph's lettered item is a part of it
_NUMBER = rf"\d{{1,3}}(?!\d){_ITEM}(?!\s+[A-Z]{{3}})"  # not the year of the next reference ID
_SECTION = r"(?:[IVXivx]+|[A-Za-z])(?:\.(?:[A-Z][A-Z /&-]*|[A-Za-z][A-Za-z/&-]*))*\."
_LABEL = rf"(?:header\b|{_SECTION}\d{{1,3}}(?!\d){_ITEM}|{_NUMBER})"
_DASH = r"\s*(?:[-–—]|\bto\b)\s*"
_AND = r"(?:\s*[,;&]\s*(?:(?:and|&)\s+)?|\s+and\s+)"
_CLOSES = rf"(?=(?:(?:{_AND}|{_DASH})(?:{_MARK})?{_LABEL})*\s*(?:[)\]]|[,;]\s*{_ID}))"
# what is in no brackets, and has no mark of its own, may be a figure: `¶2, 5 ships`
_MORE = rf"(?:(?:{_AND}|{_DASH}){_MARK}{_LABEL}|\s*[-–—]\s*{_LABEL}|{_AND}{_LABEL}{_CLOSES})"
_PLACES = rf",?\s*(?:{_PLURAL}{_LABEL}(?:(?:{_AND}|{_DASH})(?:{_MARK})?{_LABEL})*|{_MARK}{_LABEL}{_MORE}*)"
_CITED = re.compile(rf"(?P<id>{_ID})(?P<places>{_PLACES})?")
_PLACE = re.compile(rf"(?P<to>{_DASH})?(?:{_MARK})?(?P<label>{_LABEL})")
_ONE = rf"{_ID}(?:{_PLACES})?"
_AFTER_STOP = re.compile(
    rf"(?<!\.[A-Z])(?P<stop>[.!?][\"”]?)(?:[ \t]*|\s*\n(?=[^\n]*[)\]]\.?[ \t]*$))"
    rf"(?P<cited>[(\[](?:see |cf\.? )?{_ONE}(?:[,;]?\s*(?:and )?{_ONE})*[)\]])\.?(?=\s|$)",
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
        if name and (re.fullmatch(r"\d+[A-Z]{3,}\d+", match["id"]) or match["places"] or origin_of(name) in origins):
            places = tuple(_places(name, match["places"] or "")) or (Citation(name),)
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
        if match["to"] and last and last.paragraph and place.paragraph and last.section in (place.section, None):
            first, end = int(last.paragraph), int(place.paragraph)
            yield from (Citation(name, place.section, str(n)) for n in range(first + 1, end) if end - first <= MOST)
        yield place
        last = place if (place.paragraph or "").isdigit() else None


def _place(name: str, label: str) -> Citation:
    if label.lower() == "header":
        return Citation(name, None, "header")
    match = re.match(rf"(?P<section>{_SECTION})?(?P<number>\d+)", label)
    assert match
    section = match["section"].rstrip(".").upper() if match["section"] else None
    return Citation(name, section, str(int(match["number"])))
