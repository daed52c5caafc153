"""Says that the cables do not answer, and what the nearest paragraphs lack.

Flows in: the encoded question and the judged passages. Flows out: a sentence or two. Decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from index.cable import Citation
from index.store import Store
from qa.rerank import Judged
from qa.retrieve import Query
from qa.words import STOP_WORDS

CANNOT_ANSWER = "The cables do not answer this."
NEAREST = 3  # paragraphs that are named
MENTIONED = 0.5  # cosine of a question's word to the nearest token of a passage, above which it counts as mentioned
# what a question asks with, which no passage need have
ASKING = frozenset([
    "amount", "answer", "cable", "cables", "describe", "document", "documents", "kind", "kinds", "mention", "mentioned", "mentions",
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
    "turn", "turned", "two", "use", "used", "uses", "using", "want", "wanted", "way", "well", "went", "whether", "within", "without",
    "work", "worked", "yet",
])  # fmt: skip
LONGEST = 40  # characters of a word or name that are shown
_WORD = re.compile(r"[^\W_]+(?:[-'’.,][^\W_]+)*")
_LAST_YEAR = re.compile(r"\b(?:last|previous) year\b|\byear (?:before|earlier|ago)\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")


def abstain(query: Query, judged: Sequence[Judged], store: Store) -> str:
    """`CANNOT_ANSWER`, then the nearest paragraphs, each with the words or the year of the question that it lacks."""
    of: dict[Citation, Judged] = {}
    for one in judged:
        of.setdefault(one.candidate.passage.citation, one)
    near = list(of.values())[:NEAREST]
    if not near:
        return CANNOT_ANSWER
    vectors = store.token_vectors([one.candidate.passage_id for one in near])
    said = []
    for one in near:
        passage = one.candidate.passage
        sent = store.cable(passage.citation.reference_id).sent
        lacks = missing(query, f"{passage.context}\n{passage.text}", vectors[one.candidate.passage_id], sent)
        subject = passage.context.split("\n")[0]
        about = f" ({_short(subject)})" if subject else ""
        said.append(f"{passage.citation}{about} {lacks or 'is on the subject, but does not say it'}")
    return f"{CANNOT_ANSWER} Nearest: {'; '.join(said)}."


def nothing_on(parts: Sequence[str]) -> str:
    """What is said of the parts of a question that nothing answers where others are answered; empty where there are none."""
    return f"Nothing was found for a part of this: {' '.join(parts)}" if parts else ""


def missing(query: Query, text: str, tokens: np.ndarray, sent: datetime | None = None) -> str:
    """What of the question a passage lacks, as `does not mention ...`; empty where nothing can be told.

    A year is lacking where the passage has others, unless it was `sent` in that year, or in the next and speaks of the year before; a
    word where neither it nor one of like meaning stands there; a name of several
    words where that is so of the rarest of them.
    """
    lower = text.lower()
    own = {str(sent.year), *(str(sent.year - 1) for _ in _LAST_YEAR.finditer(text))} if sent else set()
    years = [year for year in dict.fromkeys(_YEAR.findall(query.text)) if year not in text and year not in own]
    others = sorted(set(_YEAR.findall(text)))
    if years and others:
        return f"speaks of {' and '.join(others[:2])}, not of {' or '.join(years)}"
    nearest = (query.encoded.tokens @ tokens.T).max(axis=1) if len(tokens) else np.zeros(len(query.weights))
    lacking: list[tuple[float, str]] = []
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
        if likeness < MENTIONED and rarest[: max(4, len(rarest) - 3)] not in lower:
            lacking.append((weight, query.text[term[0].start() : term[-1].end()][:LONGEST]))
    terms = [term for _, term in sorted(lacking, reverse=True)[:2]]
    return f"does not mention {' or '.join(repr(term) for term in terms)}" if terms else ""


def _terms(question: str) -> list[list[re.Match[str]]]:
    """The words that mean something, each alone; capitalised ones side by side together, as a name."""
    found: list[list[re.Match[str]]] = []
    for word in _WORD.finditer(question):
        before = found[-1][-1] if found else None
        alone = before is None or question[before.end() : word.start()] != " "  # not as in `undersea cable`
        if word[0].lower() in STOP_WORDS or word[0] in ORDINARY or (word[0] in ASKING and alone):
            continue
        if before and before[0][0].isupper() and word[0][0].isupper() and question[before.end() : word.start()] == " ":
            found[-1].append(word)
        else:
            found.append([word])
    return found


def _short(subject: str, words: int = 9) -> str:
    parts = subject.split()
    return " ".join(parts[:words]) + (" ..." if len(parts) > words else "")
