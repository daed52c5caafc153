"""What a question names is quoted without search: a header field, a paragraph by its number, a cable's summary.

Flows in: a Question and the store. Flows out: Readings of whole paragraphs or header lines. No ranking.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.cable import HEADER, Cable, Citation, Paragraph
from index.errors import NotInIndex
from index.store import Filter, Store
from qa.question import Named, Question
from qa.read import Reading

_HEADER_WORDS = re.compile(
    r"\b(who|signed|signature|signatory|when|was|sent|date|dated|which|what|subject|tags?|classification|classified|how|is|are|does|do|"
    r"bears?|carry|carries|cables?|telegrams?|messages?|dispatch)\b", re.IGNORECASE
)  # fmt: skip


def known(asked: Question, store: Store, where: Filter = Filter()) -> list[Named]:
    """What the question names that the index has and `where` admits; raises NotInIndex where it names cables and none is."""
    names = tuple(name.reference_id for name in asked.named)
    inside = [name for name in names if not where.cables or name in where.cables]
    have = {row.reference_id for row in store.cables(replace(where, cables=tuple(inside)))} if inside else set()
    found = [name for name in asked.named if name.reference_id in have]
    if asked.named and not found:
        store.cable(names[0])  # raises where it is not there, with the nearest reference IDs there are
        raise NotInIndex(f"The filter leaves out {names[0]}.")
    return found


def without_header_words(asked: Question) -> str:
    """What to search for where a header question names no cable: the rest of it."""
    return " ".join(_HEADER_WORDS.sub(" ", asked.text).split()) or asked.text


def look_up(asked: Question, named: Sequence[Named], nearest: Sequence[str], store: Store) -> list[Reading]:
    """What is quoted whole; nothing where the question asks for neither a header field, a paragraph nor a summary.

    `nearest`: reference IDs, best first, for a header question that names no cable. Raises NotInIndex where a
    paragraph is named that its cable has not.
    """
    if asked.field:
        ids = [name.reference_id for name in named] or list(nearest[:1])
        return [reading for i in ids for reading in _header_field(store.cable(i), asked.field)]
    readings = []
    for name in named:
        cable = store.cable(name.reference_id)
        if name.paragraph:
            readings += [Reading(cable.citation(p), 0, len(p.text), 1.0) for p in _matching(cable, name)]
        elif asked.about and cable.paragraphs:
            summary = _summary(cable)
            readings.append(Reading(cable.citation(summary), 0, len(summary.text), 1.0))
    return [reading for reading in readings if reading.end]


def _summary(cable: Cable) -> Paragraph:
    """The paragraph marked as summary, else the longer of the first two."""
    for paragraph in cable.paragraphs:
        if re.match(r"\(?SUMMARY", paragraph.text, re.IGNORECASE) or "SUMMARY" in (paragraph.heading or ""):
            return paragraph
    return max(cable.paragraphs[:2], key=lambda p: len(p.text))


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
        and (not name.section or re.match(rf"{re.escape(name.section)}\b", p.section or "", re.IGNORECASE))
    ]  # fmt: skip
    listed = [p for p in fits if name.listed and name.listed.upper() in (p.section or "").upper()]
    fits = listed or fits
    if not fits:
        have = ", ".join(dict.fromkeys(cable.citation(p).label or "body" for p in cable.paragraphs))
        raise NotInIndex(f"{cable.reference_id} has no paragraph {name.paragraph}; it has {have}.")
    return fits
