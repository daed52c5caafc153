"""Whether the cited paragraphs support a sentence.

Flows in: a sentence and the texts that it cites. Flows out: a verdict and the problems found. Exact facts are
compared first (figures, dates, names, quotations), then the words; no model is used, so reversed meaning
(a negation, swapped roles) is not seen here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.question import STOP_WORDS

SUPPORTED, PARTLY, UNSUPPORTED, CONTRADICTED = "supported", "partly", "unsupported", "contradicted"
WORDS_SUPPORTED = 0.6  # least share of the sentence's content words in the cited text
WORDS_PARTLY = 0.35

_NUMBER_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_FIGURE = re.compile(
    r"(?<![\w.])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:\s+(thousand|million|billion|trillion))?", re.IGNORECASE
)
_NUMBER_WORD = re.compile(rf"\b({'|'.join(_NUMBER_WORDS)})\b(?:\s+(thousand|million|billion|trillion))?", re.IGNORECASE)
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)(?<![\"“])\b[A-Z][a-z'’-]+(?:\s+[A-Z][a-z'’-]+)*")
_QUOTATION = re.compile(r"[\"“]([^\"”]{4,})[\"”]")
_MONTHS = frozenset(
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
)
_WORD = re.compile(r"[a-z]{3,}")
_MARKER = re.compile(r"\[\d+(?:\s*[,-]\s*\d+)*\]")


def figures(text: str) -> dict[float, str]:
    """The figures of a text by value, with how each is written: `1.5 million` -> 1500000.0, `two` -> 2.0."""
    found: dict[float, str] = {}
    for match in _FIGURE.finditer(text):
        found[float(match[1].replace(",", "")) * _SCALES.get((match[2] or "").lower(), 1)] = match[0].strip()
    for match in _NUMBER_WORD.finditer(text):
        found.setdefault(_NUMBER_WORDS.index(match[1].lower()) * _SCALES.get((match[2] or "").lower(), 1), match[0])
    return found


def verify(sentence: str, texts: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The verdict on a sentence and its problems, each a figure, date, name or quotation that `texts` lack.

    A sentence that stands in a text word for word is supported. Without texts it is unsupported.
    """
    plain = " ".join(_MARKER.sub("", sentence).split())
    source = " ".join(" ".join(text.split()) for text in texts)
    if not source:
        return UNSUPPORTED, ("cites no paragraph",)
    if plain in source:
        return SUPPORTED, ()
    lower = source.lower()
    own = figures(source)
    problems = [
        f"figure {written}" for value, written in figures(plain).items() if value not in own and value not in (0.0, 1.0)
    ]
    for match in _NAME.finditer(plain):
        missing = [w for w in match[0].split() if w.lower().removesuffix("'s").removesuffix("’s") not in lower]
        if missing:
            kind = "date" if any(word in _MONTHS for word in missing) else "name"
            problems.append(f"{kind} {' '.join(missing)}")
    for match in _QUOTATION.finditer(plain):
        if match[1].strip(" .,").lower() not in lower:
            problems.append(f"quotation {match[1]!r}")
    words = [word for word in _WORD.findall(plain.lower()) if word not in STOP_WORDS]
    share = sum(_stem(word) in lower for word in words) / len(words) if words else 1.0
    if problems:
        return (
            PARTLY
            if share >= WORDS_SUPPORTED and len(problems) == 1 and problems[0].startswith("name")
            else UNSUPPORTED
        ), tuple(dict.fromkeys(problems))
    return (SUPPORTED if share >= WORDS_SUPPORTED else PARTLY if share >= WORDS_PARTLY else UNSUPPORTED), ()


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word
