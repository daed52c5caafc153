"""A follow-up, rewritten by a language model into a question that stands alone.

Flows in: the follow-up as the reader would take it, and the history. Flows out: the rewritten question, or the one that came in
wherever the model fails or brings in what was never said.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import replace

from index.errors import ModelUnavailable
from prompts import render
from qa.instructions import as_data, has_markup, without_control
from qa.models import Model
from qa.question import Question, read_question
from qa.result import Turn
from qa.stream import stream
from qa.words import STOP_WORDS

TURNS = 3  # of the history that the model is shown
LONGEST = 300  # characters of a question
PATIENCE = 30.0  # seconds for the first word: the answer is still to come
NEW = 0.25  # share of its content words that the conversation need not have
_WORD = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")


def rewritten(model: Model, asked: Question, question: str, history: Sequence[Turn]) -> Generator[str, None, Question]:
    """Empty pieces while the model writes; returns what it wrote, as read, or `asked` itself.

    A name, figure or cable that stands nowhere in the conversation, or too many new words, make it fail.
    """
    told = "\n".join(
        f"Question: {turn.question}\nAnswer: {as_data(turn.answer)} {_places(turn)}".strip()
        for turn in history[-TURNS:]
    )
    reply = ""
    hurried = replace(model, limits=replace(model.limits, first=min(PATIENCE, model.limits.first), total=2 * PATIENCE))
    try:
        for piece in stream(
            hurried, render("standalone", history=without_control(told), question=without_control(question))
        ):
            reply += piece
            if "\n" in reply.strip() or len(reply) > LONGEST:
                break
            yield ""
    except ModelUnavailable:
        return asked
    text = " ".join(reply.strip().split("\n")[0].removeprefix("Question:").strip(" \"'").split())
    if not _faithful(text, f"{told} {question}"):
        return asked
    again = read_question(text)
    return replace(again, named=again.named or asked.named, fields=again.fields or asked.fields)


def _places(turn: Turn) -> str:
    return f"({', '.join(map(str, turn.citations))})" if turn.citations else ""


def _faithful(text: str, conversation: str) -> bool:
    if not text or len(text) > LONGEST or has_markup(text):
        return False
    heard = {word.lower() for word in _WORD.findall(conversation)}
    words = _WORD.findall(text)
    new = [word for word in words if word.lower() not in heard and word.lower() not in STOP_WORDS]
    if any((word[0].isupper() and n) or re.search(r"\d", word) for n, word in enumerate(words) if word in new):
        return False
    content = [word for word in words if word.lower() not in STOP_WORDS]
    return bool(content) and len(new) <= NEW * len(content)
