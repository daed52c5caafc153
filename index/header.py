"""Reads the header of a telegram: who sent it, when, to whom, on what, with reference to what.

Flows in: the cleaned lines of one cable. Flows out: a Header and the lines of the body.
Knows nothing of paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from index.cable import normalise_reference_id

_LABEL = re.compile(
    r"^\s*(?P<label>E\.?\s?O\.?\s*\d{4,5}|T\s?A\s?G\s?S?|S\s?U\s?B\s?J(?:\s?E\s?C\s?T)?|R\s?E\s?F(?:\s?T\s?E\s?L)?S?"
    r"|CLASSIFIED BY|DERIVED FROM|DECLASSIFY ON|REASONS?)\s*[:;](?P<rest>.*)$",
    re.IGNORECASE,
)
_CLASSIFICATION = re.compile(
    r"^\s*(?P<level>UNCLAS(?:SIFIED)?|C\s?O\s?N\s?F\s?I\s?D\s?E\s?N\s?T\s?I\s?A\s?L|S\s?E\s?C\s?R\s?E\s?T)\b(?P<rest>.*)$"
)
_SECTION = re.compile(r"\bSECTION\s+\d+\s+OF\s+\d+\s*")
_POST_NUMBER = re.compile(r"(?P<post>[A-Z][A-Z .'-]*?)\s+(?P<number>\d{5,7})\s*$")
_SENT = re.compile(r"^\s*(?:[A-Z]\s+)?(\d{2})(\d{2})(\d{2})Z\s+([A-Z]{3})\s+(\d{2,4})\b", re.MULTILINE)
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_REFERENCE = re.compile(
    r"(?:^|[\s(:])(?:[A-Z][.)]\s*)?(?:(?P<year>\d{2})\s+)?(?P<post>[A-Za-z][A-Za-z .'-]*?)\s+(?P<number>\d{1,7})\b"
)
_PAPER = re.compile(
    r"\b(?:REPORT|LETTER|MEMO|MEMORANDUM|E-?MAIL|FAX|PAPER|ARTICLE|SURVEY|STUDY|RELEASE|NOTE|TELCON)\b", re.IGNORECASE
)
_NUMBERED = re.compile(r"^\s*(¶\s?)?\d{1,3}\.\s")
_POSTS = {"AMEMBASSY": "Embassy", "AMCONSUL": "Consulate", "USMISSION": "Mission", "USOFFICE": "Office"}


@dataclass(frozen=True, slots=True)
class Header:
    """What a telegram says of itself; a field that it does not have is empty."""

    reference_id: str
    sent: datetime | None
    origin: str
    classification: str
    subject: str
    tags: tuple[str, ...]
    references: tuple[str, ...]
    addressees: tuple[str, ...]
    handling: tuple[str, ...]


def read_header(lines: Sequence[str]) -> tuple[Header, list[str]]:
    """The header of a telegram and the lines of its body.

    `reference_id` follows from the post's number and the date where both stand there, else is ``.
    """
    fields, body_start, first_field = _fields(lines)
    top = list(lines[:first_field])
    sent = _sent("\n".join(top))
    post, number, classification, captions = _classification(top)
    sender = next((line.strip()[3:].strip() for line in top if re.match(r"^\s*FM\s", line)), "")
    if not number:
        routing = re.search(r"^DE \S+ #(\d+)", "\n".join(top), re.MULTILINE)
        post, number = sender.partition(" ")[2], routing[1] if routing else ""
    year = f"{sent:%y}" if sent else ""
    reference_id = normalise_reference_id(f"{year} {post} {number}") if year and post and number else None
    references, others = _references(fields.get("REF", []), year)
    handling = [*captions, *fields.get("", []), *others]
    header = Header(
        reference_id=reference_id or "",
        sent=sent,
        origin=_origin(sender or post),
        classification=classification,
        subject=" ".join(" ".join(fields.get("SUBJECT", [])).split()),
        tags=_tags(" ".join(fields.get("TAGS", []))),
        references=references,
        addressees=_addressees(top),
        handling=tuple(handling),
    )
    return header, list(lines[body_start:])


def _fields(lines: Sequence[str]) -> tuple[dict[str, list[str]], int, int]:
    """The labelled fields, the index of the body's first line, and that of the first field."""
    fields: dict[str, list[str]] = {}
    current: list[str] | None = None
    first = end = None
    for i, line in enumerate(lines):
        match = _LABEL.match(line)
        if (match and end is None) or (match and end is not None and not any(x.strip() for x in lines[end:i])):
            label = re.sub(r"[\s.]", "", match["label"]).upper()
            name = "TAGS" if label.startswith("TAG") else "SUBJECT" if label.startswith("SUBJ") else "REF"
            if not label.startswith(("TAG", "SUBJ", "REF")):
                name = ""
            if name == "SUBJECT" and "SUBJECT" in fields:
                break
            first = i if first is None else first
            current = fields.setdefault(name, [])
            current.append(line.strip() if name == "" else match["rest"].strip())
            end = None
        elif first is not None and end is None:
            if not line.strip() or _NUMBERED.match(line) or re.fullmatch(r"\s*[-=_*]{3,}\s*", line):
                end = i
            elif current is not None:
                current.append(line.strip())
        elif end is not None and line.strip():
            break
    if first is None:
        first = next((i for i, line in enumerate(lines) if _CLASSIFICATION.match(line)), -1) + 1
        while first < len(lines) and lines[first].strip():
            first += 1
        end = first
    return fields, end if end is not None else len(lines), first


def _sent(text: str) -> datetime | None:
    match = _SENT.search(text)
    if not match or match[4] not in _MONTHS:
        return None
    year = int(match[5])
    year += 0 if year > 99 else 2000 if year < 60 else 1900
    try:
        return datetime(year, _MONTHS.index(match[4]) + 1, int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC)
    except ValueError:
        return None


def _classification(top: Sequence[str]) -> tuple[str, str, str, list[str]]:
    """The post, its number, the classification, and the caption lines below."""
    for i, line in enumerate(top):
        match = _CLASSIFICATION.match(line)
        if not match:
            continue
        level = {"U": "UNCLASSIFIED", "C": "CONFIDENTIAL", "S": "SECRET"}[match["level"][0]]
        rest = _SECTION.sub(" ", match["rest"])
        post = _POST_NUMBER.search(rest)
        captions = [text.strip() for text in top[i + 1 :] if text.strip()]
        marks = " ".join([rest, *captions])
        if level == "UNCLASSIFIED" and re.search(r"\bSENSITIVE\b|FOR OFFICIAL USE ONLY", marks):
            level = "UNCLASSIFIED//FOR OFFICIAL USE ONLY"
        elif re.search(r"\bNOFORN\b", marks):
            level += "//NOFORN"
        if not post:
            return "", "", level, captions
        return re.sub(r"^(NOFORN|SENSITIVE|SIPDIS)\s+", "", post["post"].strip()), post["number"], level, captions
    return "", "", "", []


def _origin(sender: str) -> str:
    """`AMEMBASSY ASTANA` -> `Embassy Astana`, as the archive's own rows have it."""
    kind, _, place = sender.partition(" ")
    if kind == "SECSTATE":
        return "Secretary of State"
    return f"{_POSTS[kind]} {place.title()}" if kind in _POSTS and place else sender.title()


def _tags(text: str) -> tuple[str, ...]:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r" \1 ", text)
    return tuple(dict.fromkeys(tag for tag in re.findall(r"[A-Z][A-Z0-9]+", text)))


def _addressees(top: Sequence[str]) -> tuple[str, ...]:
    names: list[str] = []
    reading = False
    for line in top:
        start = re.match(r"^\s*(TO|INFO)\s+(.*)$", line)
        if not line.strip() or _CLASSIFICATION.match(line):
            reading = False
        if start:
            reading, line = True, start[2]
        if reading:
            name = re.sub(r"^\S*?/", "", line.strip()) if re.match(r"^\s*[A-Z]{5,8}/", line) else line.strip()
            names.append(re.sub(r"(\s+(PRIORITY|IMMEDIATE|ROUTINE|FLASH|NIACT))*(\s+\d\w{2,3})?$", "", name))
    return tuple(name for name in names if name)


def _references(parts: Sequence[str], year: str) -> tuple[tuple[str, ...], list[str]]:
    """Reference IDs in a REF field, and its entries that name no cable.

    A reference without a year is of the cable's own.
    """
    entries = [entry.strip(" ;,.") for part in parts for entry in re.split(r"[;,]|(?<=\d)\s+(?=[A-Z][.)])", part)]
    found: list[str] = []
    others: list[str] = []
    for entry in entries:
        entry = re.sub(r"^(\(?[A-Z][.):]\s*)|\s*\((NOTAL|C|U|S|SBU)\)$", "", entry).strip()
        match = _REFERENCE.fullmatch(f" {entry}")
        own = normalise_reference_id(entry) if not match else None
        if _PAPER.search(entry):  # `ANNUAL REPORT 2009` is no cable of a post
            match = own = None
        if match and (match["year"] or year) and match["post"].upper() not in _MONTHS:
            reference = normalise_reference_id(f"{match['year'] or year} {match['post']} {match['number']}")
            if reference:
                found.append(reference)
                continue
        if own:
            found.append(own)
        elif entry:
            others.append(f"REF: {entry}")
    return tuple(dict.fromkeys(found)), others
