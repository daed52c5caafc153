"""A question that leans on those before it, made to stand alone.

Flows in: a question and its history. Flows out: a text that says all that is asked. Knows nothing of the index.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.named import COMPACT, references
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
FEW = 5  # words: so short a question leans on what was asked before


def standalone(question: str, history: Sequence[tuple[str, str]]) -> str:
    """The question, with what was asked and answered before it in brackets where it leans on that; else unchanged.

    The last two questions and the last answer are kept. `What about 09TARN14?` is the question before it, asked of that cable. Source: the simplest of the baselines in conversational search (the last turns joined to the
    question); the reader is trained on questions of this form.
    """
    text = " ".join(question.split())
    # what is asked once more leans on nothing new
    history = [turn for turn in history if " ".join(turn[0].split()) != text]
    heard = " ".join(part for turn in history for part in turn)
    if history and (of := _WHAT_OF.fullmatch(text)):
        asked = " ".join(history[-1][0].split())
        return (
            COMPACT.sub(of["id"], asked, count=1) if COMPACT.search(asked) else f"{asked.rstrip(' ?.')} in {of['id']}?"
        )
    if not text or not history or COMPACT.search(text) or not _leans(text, heard):
        return text
    asked = " ".join(question.strip() for question, _ in history[-2:])
    answered = " ".join(history[-1][1].split())[:200]
    return f"{text} ({f'{asked} {answered}'.strip()})"


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
