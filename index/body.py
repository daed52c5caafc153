"""Reads the body of a telegram into numbered paragraphs, in order.

Flows in: the cleaned lines of a body. Flows out: Paragraphs and the signature. The numbering decides:
a number starts a paragraph only where it is the one expected next, so that lists inside paragraphs, years at
the start of a line and a paragraph sign read as a digit (`110.` for paragraph 10) mislead nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from index.cable import BEFORE_FIRST, Paragraph
from index.clean import ends_sentence

_NUMBER = re.compile(r"^\s*(?P<sign>¶\s?)?(?P<digits>\d{1,3})(?:\.(?!\d)\s*|\s+(?=\([A-Z]))(?P<rest>.*)$")
_OUTLINE = re.compile(r"^\s*(?P<label>[IVX]{1,5}|[A-Z])\.\s+(?P<title>\S.*)$")
_RULE = re.compile(r"^\s*([-=_*~])(\s?\1){2,}\s*$")
_MARKING = re.compile(r"^\((?P<marking>(?:U|SBU|C|S|TS|FOUO|LOU)(?:[/-]{1,2}[A-Z ]+)*)\)\s*")
_ITEM = re.compile(r"^\s*(?:[-*•]+\s*\S|(?!(?i:dr|mr|ms|st|no|lt|mt|ft|jr|sr)\.)\(?[A-Za-z0-9]{1,2}[.)]\s)")
_FIELD = re.compile(r"^\s*[A-Z][A-Z /]{2,30}: \S")
_SPEAKER = re.compile(r"^\s*(?:[QA]|[A-Z][A-Z .'/-]{2,30})(?: \([^()]{2,40}\))?: ?\S")
_GAP = re.compile(r"(?<=[^\s.:;?!]) {2,}(?=\S)")  # between two columns, not between two sentences
_LAST_FIGURE = re.compile(r"[^\s.:;?!] {3,}[$(+-]?\d[^a-z]*$")
_TITLED_LIST = re.compile(r"^\s*[A-Z][A-Za-z &/-]{2,40}:\s*$")
_SIGNATURE = re.compile(r"^[A-Z][A-Z'’. -]{2,30}$")
_NO_SIGNATURE = ("NONE", "END", "BEGIN", "TEXT", "COMMENT", "SUMMARY", "UNCLAS", "SECRET", "CONFIDENTIAL")
_ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV"]
_SKIP = 3  # paragraphs that a cable may lack in its numbering


@dataclass(slots=True)
class _Open:
    """A paragraph that is being read."""

    section: str | None
    number: str
    headings: list[str]
    blocks: list[str] = field(default_factory=list)


def read_body(lines: Sequence[str]) -> tuple[list[Paragraph], str | None, list[str]]:
    """The paragraphs of a body in order, its signature, and a note on each number that is missing.

    A body without numbers is one paragraph named None; one without text is no paragraph.
    """
    body, signature = _signature(lines)
    reader = _Reader(body)
    reader.run()
    if not reader.numbered:
        text = "\n".join(block for part in reader.done for block in part.blocks)
        heading = " / ".join(dict.fromkeys(h for part in reader.done for h in part.headings)) or None
        marking, text = _portion(text)
        return ([Paragraph(None, None, heading, marking, text)] if text else []), signature, []
    paragraphs = []
    for part in reader.done:
        marking, text = _portion("\n".join(part.blocks))
        if text or part.number != BEFORE_FIRST:
            heading = " / ".join(dict.fromkeys(part.headings)) or None
            paragraphs.append(Paragraph(part.section, part.number, heading, marking, text))
    return paragraphs, signature, reader.notes


def _signature(lines: Sequence[str]) -> tuple[list[str], str | None]:
    body = list(lines)
    while body and (not body[-1].strip() or body[-1].strip() in ("NNNN", "#", "##")):
        body.pop()
    last = body[-1].strip() if body else ""
    alone = len(body) > 1 and (not body[-2].strip() or ends_sentence(body[-2]))
    if alone and _SIGNATURE.match(last) and len(last.split()) <= 3 and not last.startswith(_NO_SIGNATURE):
        return body[:-1], last.rstrip(".")
    return body, None


def _portion(text: str) -> tuple[str | None, str]:
    match = _MARKING.match(text)
    return (match["marking"], text[match.end() :]) if match else (None, text)


def _is_heading(line: str) -> bool:
    """Whether a line is a heading by its capitals: `NEW ROUTES`, `...AND POSSIBLE SOLUTIONS`."""
    text = line.strip()
    letters = [c for c in text if c.isalpha()]
    if len(letters) < 4 or text == "NONE" or (text.endswith((".", ";")) and not text.endswith("...")):
        return False
    if re.match(r"^(END|BEGIN)\b", text) or re.search(r"\b[a-z]{3,}", text):
        return False
    return sum(c.isupper() for c in letters) >= 0.9 * len(letters)


def _is_title(block: str) -> bool:
    """Whether a short block reads as a heading in mixed case: `Drug Crop Cultivation`."""
    words = [w for w in re.findall(r"[A-Za-z']+", block) if len(w) > 3]
    if len(block) > 80 or not block[:1].isupper() or re.search(r"[.?!;,:]$", block) or not words:
        return False
    return bool(sum(w[0].isupper() for w in words) > 0.6 * len(words))


def _is_row(line: str) -> bool:
    """Whether a line is a row of a table: wide gaps between its words, or one before a last figure."""
    text = line.strip()
    gaps = [len(gap) for gap in _GAP.findall(text)]
    return (len(gaps) > 1 and max(gaps) > 2) or bool(_LAST_FIGURE.search(text))


class _Reader:
    """Goes through the lines once; `done` holds the paragraphs."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.numbers = {i: values for i, line in enumerate(lines) if (values := self._values(i, line))}
        self.sectioned = self._restarts() > 1
        self.done: list[_Open] = [_Open(None, BEFORE_FIRST, [])]
        self.numbered = False
        self.notes: list[str] = []
        self.last = 0
        self.item = 0  # the number of the last item of a list inside the paragraph
        self.path: list[tuple[int, str, str]] = []  # (level, label, title) of the outline
        self.pending: list[str] = []  # headings since the last text
        self.heading: list[str] = []  # the heading that holds now
        self.in_table = False  # whether the last line was a row of a table

    def _values(self, i: int, line: str) -> set[int]:
        """The paragraph numbers that a line may start with, or none."""
        match = _NUMBER.match(line)
        if not match:
            return set()
        if not (match["sign"] or self._boundary(i)):
            return set()
        values = {int(match["digits"])}
        if not match["sign"] and len(match["digits"]) > 1 and match["digits"][0] == "1" and match["digits"][1] != "0":
            values.add(int(match["digits"][1:]))
        return values - {0}

    def _boundary(self, i: int) -> bool:
        """Whether something new may start on line `i`."""
        before = self.lines[i - 1].strip() if i else ""
        if not before or before.upper() == "NONE":
            return True
        return ends_sentence(before) or _is_heading(before) or bool(_RULE.match(before))

    def _restarts(self) -> int:
        """How often the numbering starts at 1 right under an outline heading or a titled list."""
        outline = any(self._outline(line) for line in self.lines)
        count = 0
        for i, values in self.numbers.items():
            before = next((line for line in reversed(self.lines[:i]) if line.strip()), "")
            if 1 in values and outline and (self._outline(before) or _TITLED_LIST.match(before) or _is_heading(before)):
                count += 1
        return count

    @staticmethod
    def _outline(line: str) -> re.Match[str] | None:
        match = _OUTLINE.match(line)
        return match if match and _is_heading(match["title"]) else None

    def run(self) -> None:
        i = 0
        while i < len(self.lines):
            line = self.lines[i]
            before = self.lines[i - 1].strip() if i else ""
            boundary = self._boundary(i)
            outline = self._outline(line)
            if not line.strip() or _RULE.match(line):
                if _RULE.match(line):
                    self._lift_title()
                i += 1
            elif i in self.numbers and self._starts(i):
                i += 1
            elif outline and boundary:
                title, i = self._whole_heading(i, outline["title"])
                self._enter(outline["label"], title)
            elif self.sectioned and self.path and _TITLED_LIST.match(line) and (line.isupper() or self._leads_list(i)):
                title = line.strip().rstrip(":").upper()
                self.path = [step for step in self.path if step[0] < 3] + [(3, title, title)]
                self._open_section()
                i += 1
            elif boundary and _is_heading(line) and not _MARKING.match(line) and not self._heads_table(i):
                title, i = self._whole_heading(i, line.strip())
                self.pending.append(title)
            else:
                self._text(line, new_block=not before)
                i += 1

    def _whole_heading(self, i: int, title: str) -> tuple[str, int]:
        i += 1
        while (
            i < len(self.lines)
            and _is_heading(self.lines[i])
            and not self._outline(self.lines[i])
            and i not in self.numbers
        ):
            if _TITLED_LIST.match(self.lines[i]) or self._heads_table(i):
                break
            title += " " + self.lines[i].strip()
            i += 1
        return " ".join(title.split()).rstrip(":"), i

    def _heads_table(self, i: int) -> bool:
        """Whether line `i` names the columns of a table below it."""
        below = next((line for line in self.lines[i + 1 :] if line.strip() and not _RULE.match(line)), "")
        return _is_row(self.lines[i]) and _is_row(below)

    def _leads_list(self, i: int) -> bool:
        following = next((j for j in range(i + 1, len(self.lines)) if self.lines[j].strip()), -1)
        return 1 in self.numbers.get(following, set())

    def _enter(self, label: str, title: str) -> None:
        """Goes into the section that an outline heading opens."""
        if not self.sectioned:
            self.pending.append(f"{label}. {title}")
            return
        letter = next((step[1] for step in self.path if step[0] == 2), "")
        roman = next((step[1] for step in self.path if step[0] == 1), "")
        next_letter = chr(ord(letter) + 1) if letter else "A"
        is_roman = label in _ROMAN and (len(label) > 1 or label != next_letter)
        if is_roman and len(label) == 1 and roman and label != _ROMAN[min(_ROMAN.index(roman) + 1, 14)]:
            is_roman = False
        level = 1 if is_roman else 2
        self.path = [step for step in self.path if step[0] < level] + [(level, label, title)]
        self._open_section()

    def _open_section(self) -> None:
        section = ".".join(step[1] for step in self.path)
        self.heading = [step[2] for step in self.path]
        self.pending = []
        self.done.append(_Open(section, BEFORE_FIRST, list(self.heading)))
        self.last = self.item = 0

    def _starts(self, i: int) -> bool:
        """Whether the number on line `i` starts a paragraph; if so, opens it."""
        values, expected = self.numbers[i], self.last + 1
        if self.item and self.item + 1 in values and self._comes_again(i, expected):
            self.item += 1
            return False
        number = expected if expected in values else 0
        if not number and 1 in values and self.numbered:
            self.item = 1
            return False
        if not number and self.item and self.item + 1 in values:
            self.item += 1
            return False
        if not number:
            ahead = [v for v in values if expected < v <= expected + _SKIP]
            if not ahead or self._comes_again(i, expected):
                return False
            number = min(ahead)
            self.notes.append(f"paragraph {expected} is missing before {number}")
        self._lift_title()
        if self.pending:
            self.heading, self.pending = self.pending, []
        section = self.done[-1].section
        self.done.append(_Open(section, str(number), list(self.heading)))
        self.last, self.item, self.numbered = number, 0, True
        match = _NUMBER.match(self.lines[i])
        if match and match["rest"].strip():
            self._text(match["rest"], new_block=True)
        return True

    def _comes_again(self, i: int, number: int) -> bool:
        end = next((j for j in range(i + 1, len(self.lines)) if self.sectioned and self._outline(self.lines[j])), None)
        return any(number in values for j, values in self.numbers.items() if j > i and (end is None or j < end))

    def _lift_title(self) -> None:
        """Makes the last block a heading where it stands alone and reads as one."""
        blocks = self.done[-1].blocks
        if self.in_table:
            return
        alone = (len(blocks) > 1 and ends_sentence(blocks[-2])) or (
            len(blocks) == 1 and self.done[-1].number == BEFORE_FIRST
        )
        if alone and _is_title(blocks[-1]):
            self.pending.append(blocks.pop())

    def _text(self, line: str, new_block: bool) -> None:
        part = self.done[-1]
        if self.pending:
            part.headings += self.pending
            self.heading, self.pending, new_block = self.pending, [], True
        text = " ".join(line.split())
        after_row, self.in_table = self.in_table, _is_row(line)
        if (
            not part.blocks
            or self.in_table
            or (after_row and not text[:1].islower())
            or _FIELD.match(line)
            or ((_ITEM.match(line) or _SPEAKER.match(line)) and (new_block or ends_sentence(part.blocks[-1])))
            or (new_block and not self._runs_on(part.blocks[-1], text))
        ):
            part.blocks.append(text)
        else:
            glue = "" if re.search(r"\w-$", part.blocks[-1]) and text[:1].isalnum() else " "
            part.blocks[-1] += glue + text

    @staticmethod
    def _runs_on(block: str, text: str) -> bool:
        """Whether a block after an empty line goes on with the sentence before it."""
        if ends_sentence(block):
            return False
        return text[:1].islower() or (
            len(block) > 60 and not re.match(r"[\"“]?[A-Z][\w .'-]*[\"”]?(?: \([^()]*\))?:", text)
        )
