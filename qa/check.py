"""Checks a text of the user's own that cites cables.

Flows in: a text. Flows out: a Statement for each sentence that cites a paragraph, or a cable, with its verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.cable import Citation, normalise_reference_id
from index.errors import NotInIndex
from index.passage import sentences
from index.store import Store
from qa.verify import UNSUPPORTED, verify

_CITATION = re.compile(
    r"\(?\b(?P<id>\d{2}[A-Z]{3,}\d{1,7})\b(?:,?\s*(?:¶|para(?:graph)?\.?)\s*(?P<label>header|[IVX]+(?:\.[A-Z][A-Z ]*)*\.\d+|\d+))?\)?"
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence of the text, what it cites, and the verdict; sentences that cite nothing have no verdict."""

    text: str
    citations: tuple[Citation, ...]
    verdict: str | None
    problems: tuple[str, ...]


def check(text: str, store: Store) -> list[Checked]:
    """Each sentence of `text`, in order; a citation that does not resolve is a problem and makes it unsupported."""
    found = []
    for start, end in sentences(text):
        sentence = text[start:end]
        citations, sources, problems = [], [], []
        for match in _CITATION.finditer(sentence):
            section, _, number = (match["label"] or "").rpartition(".")
            citation = Citation(normalise_reference_id(match["id"]) or match["id"], section or None, number or None)
            try:
                cable = store.cable(citation.reference_id)
                parts = [store.paragraph(citation)] if number else list(cable.paragraphs)
            except NotInIndex as error:
                problems.append(f"citation {match[0].strip('()')}: {error}")
                continue
            citations.append(citation)
            sources += [part.text for part in parts] + [cable.header.text]
        if not citations and not problems:
            found.append(Checked(sentence, (), None, ()))
            continue
        plain = re.sub(r"\s+([.,;])", r"\1", _CITATION.sub("", sentence))
        verdict, own = verify(plain, sources) if sources else (UNSUPPORTED, ())
        found.append(Checked(sentence, tuple(citations), UNSUPPORTED if problems else verdict, (*problems, *own)))
    return found
