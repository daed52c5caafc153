"""A conversation: kept so that it survives a reload, and written as Markdown.

Flows in: questions with their Answers. Flows out: JSON that `restored` reads again, and text. Knows nothing of the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from index.errors import NotInIndex
from index.store import Store
from qa.result import Answer, Turn

KEPT = 1_000_000  # characters of JSON: what a browser keeps is small
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LISTED = re.compile(r"^(\d*)([-+=.)])")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, its answer and what that was made with; without an answer, `said` is what stood there when it was stopped, or
    why it failed."""

    question: str
    answer: Answer | None = None
    said: str = ""
    made_with: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def turn(self) -> Turn:
        """This exchange as history."""
        return self.answer.turn if self.answer else Turn(self.question, "")


def as_json(exchanges: Sequence[Exchange]) -> str:
    """The latest exchanges as JSON, as many as a browser surely keeps."""
    rows: list[str] = []
    for one in reversed(exchanges):
        row = {"question": one.question, "answer": one.answer.as_kept() if one.answer else None, "said": one.said,
               "made_with": one.made_with}  # fmt: skip
        rows.insert(0, json.dumps(row, ensure_ascii=False))
        if sum(map(len, rows)) > KEPT:
            del rows[0]
            break
    return f"[{', '.join(rows)}]"


def restored(text: Any, store: Store) -> list[Exchange]:
    """What `as_json` wrote: the exchanges after the last one with a citation that the index does not have, word for word
    (another archive's answers are no history of this one); none where `text` is no such JSON."""
    try:
        rows = json.loads(text or "[]")
        kept: list[Exchange] = []
        for row in rows:
            answer = Answer.from_kept(row["answer"]) if row["answer"] else None
            one = Exchange(str(row["question"]), answer, str(row["said"]), dict(row["made_with"]))
            kept = [*kept, _present(one, store)] if resolves(answer, store) else []
        return kept
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _present(exchange: Exchange, store: Store) -> Exchange:
    """The exchange without the nearest paragraphs that the index no longer has."""
    if exchange.answer is None:
        return exchange
    return replace(
        exchange,
        answer=replace(exchange.answer, retrieved=tuple(h for h in exchange.answer.retrieved if store.has(h.citation))),
    )


def resolves(answer: Answer | None, store: Store) -> bool:
    """Whether every citation of the answer stands in the index, word for word."""
    try:
        return all(
            store.paragraph(one.citation).text[one.start : one.end] == one.quote
            for one in (answer.citations if answer else ())
        )
    except NotInIndex:
        return False


def asked_as(answer: Answer, filters: str = "") -> list[str]:
    """What a question was read as where it leans on the conversation, and under which `filters` it was asked: a line each."""
    asked, read = " ".join(answer.question.split()), answer.rewritten_question
    lines = [f"Asked with filters: {filters}"] if filters else []
    if read.startswith(f"{asked} ("):
        lines.append(f"Read together with: {read.removeprefix(f'{asked} (')[:-1]}")
    elif read != asked:
        lines.append(f"Read as: {read}")
    return lines


def markdown(exchanges: Sequence[Exchange]) -> str:
    """The conversation to read: each question, what was answered, a mark where a sentence is not borne out, and the words of
    the paragraphs cited."""
    return "\n".join(line for one in exchanges for line in _lines(one))


def _lines(exchange: Exchange) -> list[str]:
    out = [f"## {_plain(exchange.question)}", ""]
    answer = exchange.answer
    if answer is None:
        return [
            *out,
            f"{_plain(exchange.said)} **(stopped before it was checked)**" if exchange.said else "(stopped)",
            "",
        ]
    for line in asked_as(answer, exchange.made_with.get("filters", "")):
        out += [f"*{_plain(line)}*", ""]
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
    return _LISTED.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", " ".join(text.split())))
