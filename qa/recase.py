"""A question typed in haste, written as one: the reader knows a name by its capital, and a question by its mark.

Flows in: a question and passages that are near it. Flows out: the question.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from qa.named import COMPACT
from qa.words import STOP_WORDS

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_INSIDE = re.compile(rf"(?<=[\w,;] )(?:{_WORD.pattern})")  # the first word of a sentence says nothing
_OUTSIDE = re.compile(r"(?:^|(?<=[.?!] ))\w")


def recased(question: str, texts: Iterable[str]) -> str:
    """The question with a capital and a mark at its ends; where it has no other capital, each word that `texts` write only with one is
    written as they mostly do."""
    question = question[:1].upper() + question[1:] + ("" if question[-1:] in ".?!)" else "?")
    bare = COMPACT.sub("", _OUTSIDE.sub("", question))
    if bare != bare.lower():
        return question
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for word in () if text.isupper() else _INSIDE.findall(text):
            forms[word.lower()][word] += 1

    def as_written(match: re.Match[str]) -> str:
        word, mark, genitive = re.match(r"([^'’]*)(['’]?)(.*)", match[0]).groups()  # type: ignore[union-attr]
        written = forms.get(word.lower(), Counter())
        if not written or word in STOP_WORDS or any(form[0].islower() for form in written):
            return match[0]
        return f"{written.most_common(1)[0][0]}{mark}{genitive}"

    return _WORD.sub(as_written, question)
