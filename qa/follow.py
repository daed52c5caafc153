"""A question that leans on those before it, made to stand alone.

Flows in: a question and its history. Flows out: a text that says all that is asked. Knows nothing of the index.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qa.named import COMPACT, references
from qa.numbers import MONTHS
from qa.words import STOP_WORDS

_OPENS_AGAIN = re.compile(r"^\s*(?:and|but|so|then|what about|how about|who else|what else)\b", re.IGNORECASE)
_IS_IT_TRUE = re.compile(
    r"^\W*(?:is|was) it (?:true|possible|likely|known|correct|clear|the case) that\s+", re.IGNORECASE
)
_WHAT_OF = re.compile(  # `And 09TARN14?`, `what about the cable 09TARN14?`
    r"\W*(?:and|so|then|but)?\W*(?:what about|how about)?\s*(?:(?:in|for|of)\s+)?(?:the\s+)?(?:cable\s+)?(?P<id>\d{2}[A-Za-z]{3,}\d{1,7})\W*",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|she|him|her|his|hers|those|these|this|ones?|former|latter"
    r"|that(?! (?:is|are|was|were|had|has|have|did|could|would|will)\b)|(?<!is )(?<!are )(?<!was )(?<!were )there(?! (?:is|are|was|were)\b)"
    r"|the (?:same|other|others|year before|previous year|following year))\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\s)(?:[A-Z][a-z]{2,}|[A-Z]{2,})\b")
_YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")
_YEAR_BY = re.compile(
    r"\b(?:(?P<before>year (?:before|earlier)|(?:previous|preceding|prior) year)|year (?:after|later)|(?:following|next) year)\b(?! that)",
    re.IGNORECASE,
)
_WHAT_YEAR = re.compile(  # `and in 2007?`
    r"(?:\W*(?:and|but|so|then|what about|how about)\b)*\W*(?:(?:in|for|of|the year)\W+)*(?P<year>(?:1[89]|20)\d\d)\W*",
    re.IGNORECASE,
)
_PART_OF_YEAR = re.compile(
    rf"\b(?:early|late|mid|quarter|half|months?|weeks?|spring|summer|autumn|fall|winter|{'|'.join(MONTHS)})\b.*\b\d{{4}}\b",
    re.IGNORECASE,
)
_MARKER = re.compile(r"\s*\[\d+\]")
_SWAPS = re.compile(
    r"(?i:\W*(?:(?:and|but|so|then|what about|how about)\b\W*)+)(?!(?i:.*\b(?:what|who|whom|whose|how|which|when|where|why|did|does|do|is|are|was|were"
    r"|has|have|had|can|could|will|would)\b))"
)
HEARD = 2  # paragraphs of an answer that a follow-up leans on: the answering words, and what they are quoted from
ANSWER = 200  # characters of an answer that a follow-up is read with
MOST_SWAPPED = 8  # words
FEW = 5  # words: so short a question leans on what was asked before


@dataclass(frozen=True, slots=True)
class Standing:
    """A question that stands alone, `text`. Of one that leans on others: `own`, what it says itself, `asked` and `heard`, the questions and
    the answer that it leans on; else these are empty."""

    text: str
    own: str = ""
    asked: str = ""
    heard: str = ""

    @property
    def swaps(self) -> str:
        """What a question of a few words, such as `And the women?` or `and in 2007?`, asks the same of; empty for any other."""
        return self.own if len(self.own.split()) <= MOST_SWAPPED and _SWAPS.match(self.own) else ""


def standing(question: str, history: Sequence[tuple[str, str]]) -> Standing:
    """The question, with what was asked and answered before it in brackets where it leans on that; else unchanged.

    The last two questions and the last answer, without its markers, are kept; `the year before` is said in figures. `What about
    09TARN14?` and `And in 2007?` are the question before it, asked of that cable or year. Source: the simplest of the baselines in conversational search (the last
    turns joined to the question); the reader is trained on questions of this form.
    """
    text = " ".join(question.split())
    # what is asked once more leans on nothing new
    history = [turn for turn in history if " ".join(turn[0].split()) != text]
    if not text or not history:
        return Standing(text)
    asked = " ".join(history[-1][0].split())
    if of := _WHAT_OF.fullmatch(text):
        named = COMPACT.search(asked)
        return Standing(COMPACT.sub(of["id"], asked, count=1) if named else f"{asked.rstrip(' ?.')} in {of['id']}?")
    if COMPACT.search(text) or not _leans(text, " ".join(part for turn in history for part in turn)):
        return Standing(text)
    answered = " ".join(_MARKER.sub("", " ".join(history[-1][1].split("\n\n")[:HEARD])).split())
    of_year = _WHAT_YEAR.fullmatch(text)
    if of_year and standalone(asked, history[:-1]) == asked and (swapped := _in_year(of_year["year"], asked)):
        return Standing(swapped, text, asked, answered)
    text = _in_figures(text, asked, answered)
    asked = " ".join(question.strip() for question, _ in history[-2:])
    return Standing(f"{text} ({f'{asked} {_short(answered)}'.strip()})", text, asked, answered)


def standalone(question: str, history: Sequence[tuple[str, str]]) -> str:
    """The text of `standing`."""
    return standing(question, history).text


def _in_figures(text: str, asked: str, answered: str) -> str:
    """`And the year before?` with that year, counted from the one year that was asked about or, where none was, answered."""
    for said in (asked, answered):
        if years := set(_YEAR.findall(said)):
            (year, *others), by = years, _YEAR_BY.search(text)
            if by and not others:
                text = f"{text[: by.end()]}, {int(year) + (-1 if by['before'] else 1)}{text[by.end() :]}"
            break
    return text


def _in_year(year: str, asked: str) -> str:
    """The question, asked of another year; empty where it is of several, or of a part of one."""
    if _PART_OF_YEAR.search(asked) or len(set(_YEAR.findall(asked))) > 1:
        return ""
    return _YEAR.sub(year, asked) if _YEAR.search(asked) else f"{asked.rstrip(' ?.')} in {year}?"


def _short(answer: str) -> str:
    return answer if len(answer) <= ANSWER else answer[:ANSWER].rpartition(" ")[0]


def carried(history: Sequence[tuple[str, str]]) -> list[str]:
    """The cables that the last question named, or, where it leaned on those before it, the last of those that named any."""
    for n in range(len(history) - 1, -1, -1):
        question, earlier = history[n][0], history[:n]
        if (found := references(question)) or standalone(question, earlier) == " ".join(question.split()):
            return found
    return []


def is_joined(question: str) -> bool:
    """Whether a question is one that `standalone` joined to what was before it."""
    return question.endswith(")") and bool(re.search(r"\S \((?:[^()]*\?(?: |\)$)|(?:\S+ ){3,}).*\)$", question))


def _leans(text: str, heard: str) -> bool:
    """Whether a question points back: it opens so, has a pronoun with no name before it, or is a few words long and brings
    no name, and at most one other word, that was not `heard`."""
    text = _IS_IT_TRUE.sub("", text)
    words = len(text.split())
    if _OPENS_AGAIN.search(text):
        return True
    if words <= FEW and not _PRONOUN.search(text):
        known = set(re.findall(r"\w+", heard.lower())) | STOP_WORDS
        new = [word for word in re.findall(r"\w+", text) if word.lower() not in known]
        return len(new) < 2 and not any(name in new for name in _NAME.findall(text))
    if words <= FEW:
        return True
    pronoun = _PRONOUN.search(text)
    return pronoun is not None and (words <= FEW + 3 or not _NAME.search(text[: pronoun.start()]))
