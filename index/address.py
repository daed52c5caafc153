"""Which paragraph of a cable an address means, however loosely it is written.

Flows in: a Cable and a Citation. Flows out: the Paragraph, or a NotInIndex that names those there are. This
module does not know where the cable comes from, nor how an address is found in a text.
"""

from __future__ import annotations

import re

from index.cable import BEFORE_FIRST, HEADER, Cable, Citation, Paragraph
from index.errors import NotInIndex


def find_paragraph(cable: Cable, citation: Citation) -> Paragraph:
    """The paragraph of `cable` that `citation` names, or its header fields; see `Store.resolve`."""
    section, number, label = _fold(citation.section), _fold(citation.paragraph), _fold(citation.label)
    if number == HEADER:
        return cable.header
    named = [(_fold(p.section), _fold(p.paragraph), p) for p in cable.paragraphs]
    found = [p for s, n, p in named if (s, n) == (section, number)]
    if not found and section and not number:
        found = [p for s, n, p in named if (s, n) == (section, BEFORE_FIRST)]
    if not found and label:
        found = [p for p in cable.paragraphs if _fold(cable.citation(p).label) == label]
    if not found:
        raise NotInIndex(
            f"{cable.reference_id} has no paragraph {citation.label or 'without a number'}. {_names(cable)}"
        )
    return found[0]


def _fold(name: str | None) -> str:
    return re.sub(r"[.\s]+", ".", name or "").strip(".").casefold()


def _names(cable: Cable) -> str:
    """`It has 0-12, II.A.1-4 and header.`"""
    runs: list[tuple[str | None, str, str]] = []
    for p in cable.paragraphs:
        number = p.paragraph or ""
        if (
            runs
            and runs[-1][0] == p.section
            and number.isdigit()
            and runs[-1][2].isdigit()
            and int(number) == int(runs[-1][2]) + 1
        ):
            runs[-1] = (p.section, runs[-1][1], number)
        else:
            runs.append((p.section, number, number))
    labels = [
        f"{Citation('', s, a).label}{'-' + b if a != b else ''}" or "one paragraph without a number" for s, a, b in runs
    ]
    return f"It has {', '.join(labels[:20])}{', ...' if len(labels) > 20 else ''}{' and ' if labels else ''}header."
