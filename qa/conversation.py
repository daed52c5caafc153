"""A conversation: kept so that it survives a reload, and written as Markdown.

Flows in: questions with their Answers. Flows out: JSON that `restored` reads again, and text. Knows nothing of the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from index.errors import NotInIndex
from index.store import Store
from qa.result import Answer, Turn

KEPT = 40  # exchanges, the latest ones: what a browser keeps is small
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer; without one, `said` is what stood there when it was stopped, or why it failed."""

    question: str
    answer: Answer | None = None
    said: str = ""

    @property
    def turn(self) -> Turn:
        """This exchange as history."""
        return self.answer.turn if self.answer else Turn(self.question, self.said)


def as_json(exchanges: Sequence[Exchange]) -> str:
    """The latest exchanges as JSON."""
    return json.dumps([
        {"question": one.question, "answer": one.answer.as_json() if one.answer else None, "said": one.said}
        for one in exchanges[-KEPT:]
    ])  # fmt: skip


def restored(text: Any, store: Store) -> list[Exchange]:
    """What `as_json` wrote: the exchanges after the last one with a citation that the index does not have, word for word
    (another archive's answers are no history of this one); none where `text` is no such JSON."""
    try:
        rows = json.loads(text or "[]")
        found = [
            Exchange(row["question"], Answer.from_json(row["answer"]) if row["answer"] else None, row["said"])
            for row in rows
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
    kept: list[Exchange] = []
    for one in found:
        kept = [*kept, one] if resolves(one.answer, store) else []
    return kept


def resolves(answer: Answer | None, store: Store) -> bool:
    """Whether every citation of the answer stands in the index, word for word, and what it lists as nearest is there."""
    try:
        for hit in answer.retrieved if answer else ():
            store.paragraph(hit.citation)
        return all(
            store.paragraph(one.citation).text[one.start : one.end] == one.quote
            for one in (answer.citations if answer else ())
        )
    except NotInIndex:
        return False


def markdown(exchanges: Sequence[Exchange]) -> str:
    """The conversation to read: each question, what was answered, a mark where a sentence is not borne out, and the words of
    the paragraphs cited."""
    return "\n".join(line for one in exchanges for line in _lines(one))


def _lines(exchange: Exchange) -> list[str]:
    out = [f"## {_plain(exchange.question)}", ""]
    answer = exchange.answer
    if answer is None:
        return [*out, _plain(exchange.said) or "(stopped)", ""]
    if answer.rewritten_question != " ".join(answer.question.split()):
        out += [f"*Read as: {_plain(answer.rewritten_question)}*", ""]
    if answer.abstained:
        return [*out, _plain(answer.answer), "", f"*{_made(answer)}*", ""]
    if answer.note:
        out += [f"*{_plain(answer.note)}*", ""]
    for statement in answer.statements:
        marks = "".join(f"[{number}]" for number in statement.citations)
        doubt = ""
        if statement.verdict != "supported":
            doubt = (
                f" **({statement.verdict}: {_plain('; '.join(statement.problems) or 'not in the cited paragraphs')})**"
            )
        out += [f"{_plain(statement.text)} {marks}{doubt}", ""]
    for marker, reason in answer.rejected_citations:
        out += [f"*Citation {_plain(marker)} was left out: {_plain(reason)}.*", ""]
    for cited in answer.citations:
        out += [f"- [{cited.number}] {cited.citation}: “{_plain(cited.quote)}”"]
    return [*out, "", f"*{_made(answer)}*", ""]


def _made(answer: Answer) -> str:
    index = answer.index
    return f"Answered by {_plain(answer.model)} over {index.get('cables', '?')} cables, index of {index.get('built', '?')}."


def _plain(text: str) -> str:
    """One line in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
