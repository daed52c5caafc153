"""Finds the cables in a file of the archive and parses each.

Flows in: the text of a file: one telegram, an archive page with many, or a saved HTML page; or the fields of a
row of `cablegate.csv`. Flows out: Cables, and Problems with what could not be read. Knows nothing of folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html.parser import HTMLParser

from index.body import read_body
from index.cable import Cable, Paragraph, normalise_reference_id
from index.clean import clean_lines
from index.header import Header, read_header

_ROW = re.compile(
    r"^[ \t|]*(?P<id>\d{2}[A-Z][A-Z0-9-]*?\d+)[ \t|]+(?P<sent>\d{4}-\d\d-\d\d \d\d:\d\d)[ \t|]+"
    r"(?:\d{4}-\d\d-\d\d \d\d:\d\d[ \t|]+)?(?P<classification>[A-Z][A-Z/]+(?: [A-Z/]{2,})*)[ \t|]+(?P<origin>\S.*?)[ \t|]*$",
    re.MULTILINE,
)
_TELEGRAM = re.compile(r"^\s*VZCZC\w+", re.MULTILINE)
_TITLE = re.compile(r"^\s*\d{2}[A-Z][A-Z0-9-]*\d+(,.*| .*)?$")
_PAGE_LINES = re.compile(
    r"^\s*(Wiki[Ll]eaks( Link)?|Category Archives?:.*|To understand the justification.*|Discussing cables"
    r"|If you find meaningful.*|Reference ID\s+Created.*|Viewing cable .*|FICTIONAL SAMPLE .*)\s*$"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the input that could not be read, or was left out, and why. `line` counts from 1."""

    source: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.message}"


def parse_text(text: str, source: str = "") -> Iterator[Cable | Problem]:
    """The cables of a text file, in order, and a Problem for each stretch that is none.

    A text with archive rows is a page of cables; one without is one telegram, or several that each start
    with their `VZCZC` line.
    """
    text = text.replace("\r\n", "\n")
    rows = list(_ROW.finditer(text))
    starts = [row.start() for row in rows] or [m.start() for m in _TELEGRAM.finditer(text)] or [0]
    yield from _outside(text[: starts[0]], 1, source)
    for i, start in enumerate(starts):
        end = starts[i + 1] if i + 1 < len(starts) else len(text)
        line = text.count("\n", 0, start) + 1
        row = rows[i] if rows else None
        segment = text[row.end() if row else start : end]
        if row:
            segment, rest = _cut_page(segment)
            yield from _outside(rest, text.count("\n", 0, row.end() + len(segment)) + 1, source)
        yield from _parse_one(segment, row, source, line)


def parse_html(text: str, source: str = "") -> Iterator[Cable | Problem]:
    """The cables of a saved HTML page of the archive."""
    reader = _PageText()
    reader.feed(text)
    reader.close()
    yield from parse_text("".join(reader.parts), source)


def parse_row(fields: list[str], source: str = "", line: int = 1) -> Cable | Problem:
    """The cable of one row of `cablegate.csv`: eight fields, the seventh the header, the eighth the body."""
    if len(fields) != 8:
        return Problem(source, line, f"a row of {len(fields)} fields instead of 8")
    _, date, reference_id, origin, classification, references, top, body = fields
    if not normalise_reference_id(reference_id):
        return Problem(source, line, f"{reference_id!r} is no reference ID")
    header, rest = read_header(clean_lines(f"{top}\n\n{body}"))
    sent = header.sent
    for form in ("%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"):
        try:
            sent = datetime.strptime(date.strip(), form).replace(tzinfo=UTC)
            break
        except ValueError:
            continue
    linked = [normalise_reference_id(reference) for reference in references.split("|")]
    return _cable(
        header,
        rest,
        source,
        line,
        reference_id=reference_id,
        sent=sent,
        origin=origin,
        classification=classification,
        references=tuple(dict.fromkeys([*(ref for ref in linked if ref), *header.references])),
    )


def _cut_page(segment: str) -> tuple[str, str]:
    """A cable's text, and what the page has after it."""
    match = re.search(r"^\s*Wiki[Ll]eaks\s*$", segment, re.MULTILINE)
    return (segment[: match.start()], segment[match.start() :]) if match else (segment, "")


def _outside(text: str, line: int, source: str) -> Iterator[Problem]:
    for i, content in enumerate(text.split("\n")):
        if content.strip() and not _PAGE_LINES.match(content) and not _TITLE.match(content):
            yield Problem(source, line + i, f"text outside of any cable: {content.strip()[:60]!r}")
            return


def _parse_one(segment: str, row: re.Match[str] | None, source: str, line: int) -> Iterator[Cable | Problem]:
    header, body = read_header(clean_lines(segment))
    if row is None:
        if not header.reference_id:
            yield Problem(source, line, "no cable: neither a reference ID nor a telegram's number and date")
            return
        yield _cable(header, body, source, line)
        return
    sent = header.sent
    try:
        sent = datetime.strptime(row["sent"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    except ValueError:
        instead = "the telegram's own is taken" if header.sent else "the telegram has none either"
        yield Problem(source, line, f"{row['sent']!r} is no date; {instead}")
    reference_id = normalise_reference_id(row["id"]) or row["id"]
    yield _cable(
        header, body, source, line, reference_id=reference_id, sent=sent,
        origin=row["origin"], classification=row["classification"],
    )  # fmt: skip


def _cable(
    header: Header,
    body: list[str],
    source: str,
    line: int,
    *,
    reference_id: str = "",
    sent: datetime | None = None,
    origin: str = "",
    classification: str = "",
    references: tuple[str, ...] = (),
) -> Cable | Problem:
    """The cable; what the archive's row says goes before what the telegram says."""
    paragraphs, signature, _notes = read_body(body)
    name = reference_id or header.reference_id
    if not paragraphs:
        return Problem(source, line, f"{name} has no text")
    return Cable(
        reference_id=name,
        sent=sent or header.sent,
        origin=origin or header.origin,
        classification=classification or header.classification,
        subject=header.subject,
        tags=header.tags,
        references=references or header.references,
        addressees=header.addressees,
        handling=header.handling,
        signature=signature,
        paragraphs=tuple(_each_once(paragraphs)),
        source=source,
        line=line,
    )


def _each_once(paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    """Those that have the same address, as under outline labels that begin anew, as one: an address names one paragraph."""
    of: dict[tuple[str | None, str | None], Paragraph] = {}
    for one in paragraphs:
        place = (one.section, one.paragraph)
        first = of.get(place)
        of[place] = replace(first, text=f"{first.text}\n{one.text}".strip()) if first else one
    return list(of.values())


class _PageText(HTMLParser):
    """The text of an HTML page with the line structure that a browser would show."""

    _BREAKS = frozenset({"br", "p", "div", "tr", "h1", "h2", "h3", "h4", "li", "pre", "table"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0
        self._in_row = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        if tag == "tr":
            self._in_row = True
        if tag in self._BREAKS:
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0
        if tag == "tr":
            self._in_row = False
        if tag in self._BREAKS and tag != "br":
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(" ".join(data.split()) if self._in_row else data)
