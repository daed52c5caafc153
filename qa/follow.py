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
    r"|the (?:same|other|others|year before(?! (?:the|a|an|his|her|its|their|that)\b)|previous year|following year))\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\s)(?:[A-Z][a-z]{2,}|[A-Z]{2,})\b")
_YEAR = re.compile(  # not that of `the 1998 treaty`, nor a figure
    r"\b(?P<before>(?:in|for|of|during|by|until|since|from|to)\s+)(?P<year>(?:1[89]|20)\d\d)\b(?![,.]?\d)",
    re.IGNORECASE,
)
_YEAR_BY = re.compile(
    r"\b(?:(?P<before>year (?:before|earlier)|(?:previous|preceding|prior) year)|year (?:after|later)|(?:following|next) year)(?=\W*$)",
    re.IGNORECASE,
)
_WHAT_YEAR = re.compile(  # `and in 2007?`
    r"(?:\W*(?:and|but|so|then|what about|how about)\b)*\W*(?:(?:in|for|of|the year)\W+)*(?P<year>(?:1[89]|20)\d\d)\W*",
    re.IGNORECASE,
)
_PART_OF_YEAR = re.compile(
    r"\b(?:(?i:early|late|mid|quarter|half|months?|weeks?|spring|summer|autumn|winter)"
    rf"|{'|'.join(month.capitalize() for month in MONTHS)})\b.*\b\d{{4}}\b"
)
_MARKER = re.compile(r"\s*\[\d+\]")
_SWAPS = re.compile(
    r"(?i:\W*(?:(?:and|but|so|then|what about|how about)\b\W*)+)(?!(?i:.*\b(?:what|who|whom|whose|how|which|when|where|why|did|does|do|is|are|was|were"
    r"|has|have|had|can|could|will|would)\b))"
)
ANSWER = 200  # characters of an answer that a follow-up is read with
MOST_SWAPPED = 8  # words
KEPT = 6  # turns that a question may lean on
LONGEST = 200  # characters of a question that asks the same of another cable or year
FEW = 5  # words: so short a question leans on what was asked before


@dataclass(frozen=True, slots=True)
class Standing:
    """A question that stands alone, `text`. Of one that leans on others: `own`, what it says itself, `asked` and `heard`, the questions and
    the answer that it leans on, the answering words and what they are quoted from; else these are empty."""

    text: str
    own: str = ""
    asked: str = ""
    heard: str = ""

    @property
    def swaps(self) -> str:
        """What a question of a few words, such as `And the women?` or `in 2007?`, asks the same of; empty for any other."""
        short = len(self.own.split()) <= MOST_SWAPPED
        return self.own if short and (_SWAPS.match(self.own) or _WHAT_YEAR.fullmatch(self.own)) else ""


def standing(question: str, history: Sequence[tuple[str, str]]) -> Standing:
    """The question, with what was asked and answered before it in brackets where it leans on that; else unchanged.

    The last question, the one that it leans on, and the last answer to them, without its markers, are kept; `the year before` is said in figures. `What about
    09TARN14?` and `And in 2007?` are the question before it, asked of that cable or year. Source: the simplest of the baselines in
    conversational search (the last turns joined to the question); the reader is trained on questions of this form.
    """
    text = " ".join(question.split())
    history = others(text, history)[-KEPT:]
    if not text or not history:
        return Standing(text)
    last = " ".join(history[-1][0].split())
    asked = standalone(last, history[:-1])  # `And in 2008?` as it was understood
    asked = last if is_joined(asked) else asked
    if len(text) <= LONGEST and (of := _WHAT_OF.fullmatch(text)):
        named = COMPACT.search(asked)
        return Standing(COMPACT.sub(of["id"], asked, count=1) if named else f"{asked.rstrip(' ?.')} in {of['id']}?")
    if COMPACT.search(text) or not _leans(text, " ".join(part for turn in history for part in turn)):
        return Standing(text)
    turns = history[-2:] if _leans(last, "") else history[-1:]
    answer = next((answer for _, answer in reversed(turns) if answer.strip()), "")
    first, *more = (" ".join(_MARKER.sub("", part).split()) for part in answer.split("\n\n"))
    answered = " ".join([first, *more[:1]])
    of_year = _WHAT_YEAR.fullmatch(text) if len(text) <= LONGEST else None
    if of_year and not _leans(asked, "") and (swapped := _in_year(of_year["year"], asked)):
        return Standing(swapped, text, asked, answered)
    text = _in_figures(text, asked, answered)
    asked = " ".join(question.strip() for question, _ in turns)
    return Standing(f"{text} ({f'{asked} {_short(first)}'.strip()})", text, asked, answered)


def standalone(question: str, history: Sequence[tuple[str, str]]) -> str:
    """The text of `standing`."""
    return standing(question, history).text


def others(question: str, history: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The turns in which something else was asked: what is asked once more leans on nothing new."""
    text = " ".join(question.split()).casefold()
    return [turn for turn in history if " ".join(turn[0].split()).casefold() != text]


def _in_figures(text: str, asked: str, answered: str) -> str:
    """`And the year before?` with that year, counted from the one year that was asked about or, where none was, answered."""
    for said in (asked, answered):
        if years := {int(match["year"]) for match in _YEAR.finditer(said)}:
            if (by := _YEAR_BY.search(text)) and len(years) == 1:
                text = f"{text[: by.end()]}, {years.pop() + (-1 if by['before'] else 1)}{text[by.end() :]}"
            break
    return text


def _in_year(year: str, asked: str) -> str:
    """The question, asked of another year; empty where it is of several, of a part of one, or of the things of a year."""
    years = {match["year"] for match in _YEAR.finditer(asked)}
    if _PART_OF_YEAR.search(asked) or len(years) > 1 or (not years and re.search(r"\b(?:1[89]|20)\d\d\b", asked)):
        return ""
    return _YEAR.sub(rf"\g<before>{year}", asked) if years else f"{asked.rstrip(' ?.')} in {year}?"


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
