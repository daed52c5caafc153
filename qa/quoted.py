"""An answer in the cables' own words.

Flows in: readings. Flows out: citations, and an answer whose statements are quotes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.store import Store
from qa.read import Reading, differ, short_answers
from qa.result import Answer, Cited, Statement
from qa.verify import SUPPORTED

DIFFER = "The cables give different figures; here they are side by side. See whether they are of the same thing."


def cite(store: Store, number: int, reading: Reading) -> Cited:
    """The reading as a citation under a number, with the words that it quotes and the lettered item that they stand in."""
    text = store.paragraph(reading.citation).text
    quote = text[reading.start : reading.end]
    item = re.match(r"\(?([A-Z])[.)]\s", text[text.rfind("\n", 0, reading.start) + 1 :])
    return Cited(
        number, reading.citation, item[1] if item else None, quote, reading.start, reading.end, reading.score,
        reading.words_start, reading.words_end,
    )  # fmt: skip


def quoted(
    store: Store, base: Answer, readings: Sequence[Reading], said: str = "", compares: bool | None = False
) -> tuple[list[str], Answer]:
    """The parts of the answer's text, and the answer: the readings as they stand, each a statement with its own citation;
    the sure answering words on top; before them the note: `said`, that of `base`, and that the cables differ. `compares`: whether
    the question asks the same of several cables; None where it is said that they differ."""
    cited = [cite(store, n, reading) for n, reading in enumerate(readings, 1)]
    quotes = [one.quote for one in cited]
    short = [
        Statement(words, (n + 1,), SUPPORTED, short=True) for n, words in short_answers(base.question, readings, quotes)
    ]
    whole = [Statement(one.quote, (one.number,), SUPPORTED) for one in cited]
    parts = [f"{one.text} [{one.citations[0]}]" for one in whole]
    if short:
        parts.insert(0, "; ".join(f"{one.text} [{one.citations[0]}]" for one in short))
    differing = (
        compares is not None
        and all(reading.score < 1.0 for reading in readings)
        and differ(readings, quotes, bool(compares))
    )
    note = " ".join(part for part in (said, base.note, DIFFER if differing else "") if part)
    if note:
        parts.insert(0, note)
    answer = replace(
        base, answer="\n\n".join(parts), abstained=False, citations=tuple(cited), statements=(*short, *whole), note=note
    )
    return parts, answer
