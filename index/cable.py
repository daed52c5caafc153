"""What an archive is made of: cables, their paragraphs, and the address of a paragraph.

Flows in: nothing. Flows out: the frozen dataclasses that every other module speaks in.
This module does not know how a cable is parsed, stored or searched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

HEADER = "header"  # the paragraph name of a cable's own header fields
BEFORE_FIRST = "0"  # the paragraph name of text that stands before paragraph 1


@dataclass(frozen=True, slots=True)
class Citation:
    """The permanent address of a paragraph: (`reference_id`, `section`, `paragraph`).

    `section` is None unless the cable numbers its paragraphs anew under outline headings
    (`II.A`, `II.D.EQUIPMENT`). `paragraph` is the number as a string, `"0"` for text before
    paragraph 1, `"header"` for the header fields, or None where the whole body is one paragraph.
    """

    reference_id: str
    section: str | None = None
    paragraph: str | None = None

    @property
    def label(self) -> str:
        """The paragraph's name inside its cable: `24`, `II.A.2`, `header`, or `` for an unnumbered body."""
        return ".".join(part for part in (self.section, self.paragraph) if part)

    def __str__(self) -> str:
        """As it is written in answers: `09ASTANA2196 ¶24`, `10ASTANA141 ¶II.A.2`, `10ASTANA265`."""
        return f"{self.reference_id} ¶{self.label}" if self.label else self.reference_id


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of a cable, the unit of citation.

    `text` has neither its number, portion mark nor heading in it. Lines that the telegram wrapped
    are joined by a space; items, speakers and table rows stand on lines of their own.
    """

    section: str | None
    paragraph: str | None
    heading: str | None
    marking: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Cable:
    """One cable as the archive holds it.

    `reference_id` is written as the archive writes it (`10ASTANA70`). `sent` is aware, in UTC.
    `references` are reference IDs of other cables; what else the header says (captions, who classified
    it, references to other papers) stands line by line in `handling`. `source` and `line` (from 1) say where it was read.
    """

    reference_id: str
    sent: datetime | None
    origin: str
    classification: str
    subject: str
    tags: tuple[str, ...]
    references: tuple[str, ...]
    addressees: tuple[str, ...]
    handling: tuple[str, ...]
    signature: str | None
    paragraphs: tuple[Paragraph, ...]
    source: str = ""
    line: int = 1

    def citation(self, paragraph: Paragraph) -> Citation:
        """The address of one of this cable's paragraphs."""
        return Citation(self.reference_id, paragraph.section, paragraph.paragraph)

    @property
    def header(self) -> Paragraph:
        """The header fields as a paragraph of their own, one `Name: value` a line; cited as `header`."""
        fields = (
            ("Reference ID", self.reference_id),
            ("Date", f"{self.sent:%Y-%m-%d %H:%M} UTC" if self.sent else ""),
            ("Origin", self.origin),
            ("Classification", self.classification),
            ("TAGS", " ".join(self.tags)),
            ("Subject", self.subject),
            ("References", ", ".join(self.references)),
            ("Addressees", "; ".join(self.addressees)),
            ("Handling", "; ".join(self.handling)),
            ("Signature", self.signature or ""),
        )
        text = "\n".join(f"{name}: {value}" for name, value in fields if value)
        return Paragraph(None, HEADER, None, None, text)


_REFERENCE_ID = re.compile(r"(\d{2})\s*([A-Z][A-Z .'-]*?[A-Z])\s*0*(\d+)", re.IGNORECASE)


def normalise_reference_id(text: str) -> str | None:
    """The archive's spelling of a reference ID, or None where `text` is none.

    `09 Astana 02139` -> `09ASTANA2139`; `09 SECSTATE 114836` -> `09STATE114836`. Already normal IDs
    come back unchanged.
    """
    match = _REFERENCE_ID.fullmatch(text.strip())
    if not match or not int(match[3]):
        return None
    origin = re.sub(r"[ .'-]", "", match[2]).upper()
    return f"{match[1]}{'STATE' if origin == 'SECSTATE' else origin}{int(match[3])}"
