"""From a question and passages to a language model's draft.

Flows in: the standalone question and the paragraphs that the reader chose. Flows out: the draft, streamed. Knows nothing of verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from index.cable import Citation
from index.passage import sentences
from index.store import Store
from prompts import render
from qa.abstain import CANNOT_ANSWER
from qa.draft import Draft
from qa.instructions import as_data, without_control
from qa.models import Model
from qa.read import Reading
from qa.stream import RequestRefused, stream

SHOWN = 5  # passages that a language model is shown at most
MOST = 4  # statements of an answer
BUDGET = 700  # tokens of all of them: a laptop reads 50 to 200 a second before the first word of an answer


@dataclass(frozen=True, slots=True)
class Shown:
    """A paragraph as a model is shown it: `about` is the line above, `text` whole, or cut at sentences."""

    citation: Citation
    about: str
    text: str


def choose(
    store: Store, readings: Sequence[Reading], ranked: Sequence[Citation], count: Callable[[str], int]
) -> list[Shown]:
    """The paragraphs of `readings`, then the next in rank, as far as `BUDGET` goes by `count`; never none.

    A paragraph that does not fit any more is passed over; the first, if it alone is too long, is cut around its quote.
    """
    shown: list[Shown] = []
    left = BUDGET
    spans = {reading.citation: (reading.start, reading.end) for reading in reversed(readings)}
    for citation in dict.fromkeys([*(reading.citation for reading in readings), *ranked]):
        cable, paragraph = store.cable(citation.reference_id), store.paragraph(citation)
        sent = f"{cable.sent:%d %B %Y}" if cable.sent else ""
        heading = f"under {paragraph.heading}" if paragraph.heading else ""
        about = as_data(", ".join(part for part in (sent, cable.origin, cable.subject, heading) if part))
        text = as_data(paragraph.text)
        size = count(f"{about}\n{text}")
        if size > BUDGET and not shown:
            text = _cut(paragraph.text, spans.get(citation, (0, 0)), count, BUDGET - count(about))
            size = BUDGET
        if size <= left:
            shown.append(Shown(citation, about, text))
            left -= size
        if len(shown) == SHOWN:
            break
    return shown


def _cut(text: str, span: tuple[int, int], count: Callable[[str], int], most: int) -> str:
    """The sentences of the span and as many around them as `most` tokens hold, as data; at least those of the span."""
    parts = sentences(text)
    inside = [n for n, (start, end) in enumerate(parts) if start < span[1] and end > span[0]] or [0]
    first, last = inside[0], inside[-1]
    while first > 0 or last < len(parts) - 1:
        wider = (max(first - 1, 0), min(last + 1, len(parts) - 1))
        if count(as_data(text[parts[wider[0]][0] : parts[wider[1]][1]])) > most:
            break
        first, last = wider
    return as_data(text[parts[first][0] : parts[last][1]])


def write(model: Model, question: str, passages: Sequence[Shown], draft: Draft) -> Iterator[str]:
    """Fills `draft`; gives what can be shown of it, piece by piece, with an empty piece now and then.

    Raises ModelUnavailable. Asks for JSON by a schema where the server may take one; where it refuses, for markers, from then on.
    """
    listed = "\n\n".join(f"[{n}] {one.about}\n{one.text}" for n, one in enumerate(passages, 1))
    values = {"passages": listed, "question": without_control(question)}
    refused = False
    if model.takes_schema:
        try:
            for piece in stream(model, render("statements", **values), response_format=schema(len(passages))):
                yield draft.feed(piece)
            return
        except RequestRefused:
            refused = True
    for piece in stream(model, render("answer", **values, cannot_answer=CANNOT_ANSWER)):
        yield draft.feed(piece)
    if refused:
        model.takes_schema = False


def schema(passages: int) -> dict[str, Any]:
    """The `response_format` of a chat completion: statements whose keys can only be 1 to `passages`."""
    keys = {"type": "array", "items": {"type": "integer", "enum": list(range(1, passages + 1))}}
    statement = {
        "type": "object", "properties": {"text": {"type": "string"}, "keys": keys},
        "required": ["text", "keys"], "additionalProperties": False,
    }  # fmt: skip
    answer = {
        "type": "object",
        "properties": {"cannot_answer": {"type": "boolean"}, "statements": {"type": "array", "items": statement, "maxItems": MOST}},
        "required": ["cannot_answer", "statements"], "additionalProperties": False,
    }  # fmt: skip
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": answer}}
