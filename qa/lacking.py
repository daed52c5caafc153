"""What of a question a passage does not mention.

Flows in: an encoded question, a passage's text and token vectors. Flows out: words. Decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import numpy as np

from qa.named import COMPACT
from qa.retrieve import Query
from qa.words import STOP_WORDS

MENTIONED = 0.5  # cosine of a question's word to the nearest token of a passage, above which it counts as mentioned
# what a question asks with, which no passage need have
ASKING = frozenset([
    "amount", "answer", "cable", "cables", "compare", "compared", "compares", "describe", "differ", "differs", "document", "documents", "kind", "kinds", "mention", "mentioned", "mentions",
    "message", "messages", "name", "named", "names", "number", "reason", "report", "reported", "reports", "sort", "telegram",
    "telegrams", "type",
])  # fmt: skip
# what says too little of what is lacking to be named
ORDINARY = frozenset([
    "across", "again", "allow", "allowed", "among", "another", "ask", "asked", "aside", "away", "back", "became", "become", "becomes",
    "began", "begin", "behind", "beyond", "bring", "brought", "call", "called", "came", "carried", "carry", "cause", "caused", "come",
    "comes", "course", "different", "down", "due", "each", "end", "ended", "ever", "every", "far", "find", "first", "forward", "found",
    "gave", "get", "gets", "getting", "go", "goes", "going", "gone", "got", "happen", "happened", "held", "hold", "holding", "holds",
    "instead", "keep", "kept", "last", "lately", "later", "led", "left", "long", "look", "made", "main", "make", "makes", "making",
    "man", "men", "need", "new", "next", "now", "old", "onto", "part", "people", "person", "place", "put", "ran", "rather", "run",
    "running", "runs", "saw", "second", "see", "seen", "set", "show", "showed", "since", "soon", "speak", "spoke", "start", "started",
    "still", "straight", "take", "taken", "takes", "taking", "thing", "things", "think", "thought", "took", "toward", "towards", "try",
    "turn", "turned", "two", "use", "used", "uses", "using", "want", "wanted", "way", "well", "went", "whether", "within", "without", "won",
    "work", "worked", "yet",
])  # fmt: skip
LONGEST = 40  # characters of a word or name that are shown
_WORD = re.compile(r"[^\W_]+(?:[-'’.,][^\W_]+)*")
_LAST_YEAR = re.compile(r"\b(?:last|previous) year\b|\byear (?:before|earlier|ago)\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")


def missing(query: Query, text: str, tokens: np.ndarray, sent: datetime | None = None) -> str:
    """What of the question a passage lacks, as `does not mention ...`; empty where nothing can be told.

    A year is lacking where the passage has others, unless it was `sent` in that year, or speaks of the year before that in which it was
    sent or before one of the others; a word where neither it nor one of like meaning stands there; a name of several
    words where that is so of the rarest of them.
    """
    if years := _years(query.text, text, sent):
        return f"speaks of {' and '.join(sorted(set(_YEAR.findall(text)))[:2])}, not of {' or '.join(years)}"
    lacking = sorted(
        ((weight, term) for weight, term, there in _weighed(query, text, tokens) if not there), reverse=True
    )
    terms = [term[:LONGEST] for _, term in lacking[:2]]
    return f"does not mention {' or '.join(repr(term) for term in terms)}" if terms else ""


def lacks(query: Query, text: str, tokens: np.ndarray, sent: datetime | None = None) -> bool:
    """Whether a passage lacks what a question of a few words, such as `and the women?`, is about: a year, a name or figure, or all of its
    other words."""
    weighed = [(term, there) for _, term, there in _weighed(query, text, tokens)]
    names = [there for term, there in weighed if not term[0].islower()]
    others = [there for term, there in weighed if term[0].islower()]
    return bool(_years(query.text, text, sent)) or not all(names) or (bool(others) and not any(others))


def brings(question: str, text: str) -> bool:
    """Whether a word or year of a question of a few words stands in a text."""
    stems = [_stem(word[0].lower()) for term in _terms(question) for word in term if not _YEAR.fullmatch(word[0])]
    years = _YEAR.findall(question)
    return any(re.search(rf"\b{re.escape(stem)}", text.lower()) for stem in stems) or (
        bool(years) and not _years(question, text, None)
    )


def _years(question: str, text: str, sent: datetime | None) -> list[str]:
    """The years of a question that a text which has others lacks."""
    there = set(_YEAR.findall(text))
    of = there | ({str(sent.year)} if sent else set())
    if _LAST_YEAR.search(text):
        of |= {str(int(year) - 1) for year in of}
    return [year for year in dict.fromkeys(_YEAR.findall(question)) if there and year not in of]


def _weighed(query: Query, text: str, tokens: np.ndarray) -> Iterator[tuple[float, str, bool]]:
    """The terms of a question, each with its weight and whether the text has it, or a word of like meaning."""
    lower = text.lower()
    nearest = (query.encoded.tokens @ tokens.T).max(axis=1) if len(tokens) else np.zeros(len(query.weights))
    for term in _terms(query.text):
        weighed = []
        for word in term:
            at = [
                n for n, (start, end) in enumerate(query.encoded.spans) if word.start() <= start and end <= word.end()
            ]
            if at:
                weighed.append((float(query.weights[at].sum()), float(nearest[at].mean()), word[0].lower()))
        # of words as rare the last, which is a surname, or says what the thing is
        weight, likeness, rarest = max(reversed(weighed), key=lambda one: round(one[0], 3), default=(0.0, 1.0, ""))
        yield weight, query.text[term[0].start() : term[-1].end()], likeness >= MENTIONED or _stem(rarest) in lower


def _stem(word: str) -> str:
    return word[: max(4, len(word) - 3)]


def _terms(question: str) -> list[list[re.Match[str]]]:
    """The words that mean something, each alone; capitalised ones side by side together, as a name."""
    found: list[list[re.Match[str]]] = []
    for word in _WORD.finditer(question):
        before = found[-1][-1] if found else None
        alone = before is None or question[before.end() : word.start()] != " "  # not as in `undersea cable`
        if (
            word[0].lower() in STOP_WORDS
            or word[0] in ORDINARY
            or COMPACT.fullmatch(word[0])
            or (word[0] in ASKING and alone)
        ):
            continue
        if before and before[0][0].isupper() and word[0][0].isupper() and question[before.end() : word.start()] == " ":
            found[-1].append(word)
        else:
            found.append([word])
    return found
