"""What a question names is quoted without reading: a header field, a paragraph by its number, a cable's summary; of a person the
sentences that have the name.

Flows in: a Question, what was found for it, and the store. Flows out: Readings. No ranking.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.cable import HEADER, Cable, Citation, Paragraph
from index.errors import NotInIndex
from index.passage import sentences
from index.store import Filter, Store
from qa.named import Named, is_surely_named
from qa.question import Question
from qa.read import Reading
from qa.retrieve import Candidate

_HEADER_WORDS = re.compile(
    r"\b(who|signed|signature|signatory|when|was|sent|date|dated|which|what|subject|tags?|classification|classified|how|is|are|does|do|"
    r"bears?|carry|carries|cables?|telegrams?|messages?|dispatch)\b", re.IGNORECASE
)  # fmt: skip

_HEADER_ONLY = re.compile(
    rf"{_HEADER_WORDS.pattern}|\b(?:the|of|in|it|its|and|this|that|a|an|\d\d[A-Z]{{3,}}\d+)\b|\W", re.IGNORECASE
)
_WHO_IS = re.compile(r"\W*who(?:'s| is| was) (?P<name>[^\W\d][\w'’-]+(?: [^\W\d][\w'’.-]*){0,3}?)\W*", re.IGNORECASE)
MOST_OF_NAME = 3  # paragraphs
DESCRIBED = re.compile(r"\b(?:cable|telegram)\s+(?:about|on|of|that|which|from)\b", re.IGNORECASE)


def known(asked: Question, store: Store, where: Filter = Filter()) -> list[Named]:
    """What the question names that the index has and `where` admits; raises NotInIndex where it names cables and none is."""
    names = tuple(name.reference_id for name in asked.named)
    inside = [name for name in names if not where.cables or name in where.cables]
    have = {row.reference_id for row in store.cables(replace(where, cables=tuple(inside)))} if inside else set()
    found = [name for name in asked.named if name.reference_id in have]
    if not found and any(is_surely_named(name, asked.text) for name in names):
        store.cable(names[0])  # raises where it is not there, with the nearest reference IDs there are
        raise NotInIndex(f"The filter leaves out {names[0]}.")
    return found


def without_header_words(asked: Question) -> str:
    """What to search for where a header question names no cable: the rest of it."""
    return " ".join(_HEADER_WORDS.sub(" ", asked.text).split()) or asked.text


def look_up(asked: Question, named: Sequence[Named], nearest: Sequence[str], store: Store) -> list[Reading]:
    """What is quoted whole; nothing where the question asks for neither a header field, a paragraph nor a summary.

    `nearest`: reference IDs, best first, for a question on the header or the whole of a cable that it does not name. Raises NotInIndex where a
    paragraph, section or header field is asked for that its cable has not.
    """
    if asked.fields:
        ids = [name.reference_id for name in named] or list(nearest[:1])
        found = [reading for i in ids for name in asked.fields for reading in _header_field(store.cable(i), name)]
        if named and not found and not _HEADER_ONLY.sub(" ", asked.text).strip():
            raise NotInIndex(f"The header of {' and '.join(ids)} has no {' and no '.join(asked.fields).lower()}.")
        return found
    readings = []
    for name in named:
        cable = store.cable(name.reference_id)
        if name.paragraph:
            readings += [Reading(cable.citation(p), 0, len(p.text), 1.0) for p in _matching(cable, name)]
        elif asked.about and cable.paragraphs:
            summary = _summary(cable, name.section)
            readings.append(Reading(cable.citation(summary), 0, len(summary.text), 1.0))
    if asked.about and not named and nearest and DESCRIBED.search(asked.text):
        cable = store.cable(nearest[0])
        summary = _summary(cable, None)
        readings.append(Reading(cable.citation(summary), 0, len(summary.text), 1.0))
    return [reading for reading in readings if reading.end]


def who_is(question: str, found: Sequence[Candidate], store: Store) -> list[Reading]:
    """For `Who is Oda Kestrel?` where nothing is read as an answer: the first sentence that has the name, of up to three of the paragraphs
    found first; they say something of the person. Empty for any other question."""
    asked = _WHO_IS.fullmatch(question)
    if not asked:
        return []
    name = re.compile(rf"\b{re.escape(asked['name'])}\b", re.IGNORECASE)
    readings: list[Reading] = []
    for citation in dict.fromkeys(one.passage.citation for one in found):
        text = store.paragraph(citation).text
        there = next(
            (match for match in name.finditer(text) if all(word[0].isupper() for word in match[0].split())), None
        )
        at = there and next((start, end) for start, end in sentences(text) if start <= there.start() < end)
        if at and len(readings) < MOST_OF_NAME:
            readings.append(Reading(citation, *at, 0.0))
    return readings


def _summary(cable: Cable, section: str | None) -> Paragraph:
    """The paragraph marked as summary, else the longer of the first two; of a `section`, where one is given, its longest."""
    if section:
        inside = [p for p in cable.paragraphs if _within(p, section)]
        if not inside:
            have = ", ".join(dict.fromkeys(p.section for p in cable.paragraphs if p.section)) or "none"
            raise NotInIndex(f"{cable.reference_id} has no section {section}; it has {have}.")
        return max(inside, key=lambda p: len(p.text))
    for paragraph in cable.paragraphs:
        if re.match(r"\(?SUMMARY", paragraph.text, re.IGNORECASE) or "SUMMARY" in (paragraph.heading or ""):
            return paragraph
    return max(cable.paragraphs[:2], key=lambda p: len(p.text))


def _within(paragraph: Paragraph, section: str) -> bool:
    return re.match(rf"{re.escape(section)}\b", paragraph.section or "", re.IGNORECASE) is not None


def _header_field(cable: Cable, name: str) -> list[Reading]:
    match = re.search(rf"^{name}: (.*)$", cable.header.text, re.MULTILINE)
    if not match:
        return []
    return [Reading(Citation(cable.reference_id, None, HEADER), match.start(), match.end(), 1.0, *match.span(1))]


def _matching(cable: Cable, name: Named) -> list[Paragraph]:
    """The paragraphs of a cable that a name fits: number, and section or list where it has them."""
    fits = [
        p for p in cable.paragraphs
        if p.paragraph == name.paragraph
        and (not name.section or _within(p, name.section))
    ]  # fmt: skip
    listed = [p for p in fits if name.listed and name.listed.upper() in (p.section or "").upper()]
    fits = listed or fits
    if not fits:
        have = ", ".join(dict.fromkeys(cable.citation(p).label or "body" for p in cable.paragraphs))
        raise NotInIndex(f"{cable.reference_id} has no paragraph {name.paragraph}; it has {have}.")
    return fits
