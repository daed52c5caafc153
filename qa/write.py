"""From a question and passages to a language model's draft, and from the draft to cited sentences.

Flows in: the standalone question and the passages under their keys. Flows out: the draft's text in pieces, then
its sentences with the keys that each cites. Knows nothing of verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from index.errors import ModelUnavailable
from index.passage import sentences
from prompts import render
from qa.abstain import CANNOT_ANSWER

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

MARKER = re.compile(r"[\[【(]\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】)]")

_AFTER_STOP = re.compile(r"([.!?])((?:\s*[\[【]\d[\d,; ]*[\]】])+)")


def draft(llm: LLM, question: str, passages: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The model's text, piece by piece; `passages` are (what the passage is, its text), keyed [1]..[k] in order.

    Raises ModelUnavailable, in one line, where the server does not answer as it should.
    """
    from llama_index.core.llms import ChatMessage

    listed = "\n\n".join(f"[{n}] {what}\n{text}" for n, (what, text) in enumerate(passages, 1))
    prompt = render("answer", passages=listed, question=question, cannot_answer=CANNOT_ANSWER)
    try:
        for piece in llm.stream_chat([ChatMessage(role="user", content=prompt)]):
            if piece.delta:
                yield piece.delta
    except Exception as error:  # the clients raise whatever their transport raises
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelUnavailable(f"{llm.metadata.model_name} did not answer: {reason}") from error


def cited_sentences(text: str) -> list[tuple[str, list[int]]]:
    """The sentences of a draft, without markers, each with the keys that it cites; a marker alone joins the one before."""
    found: list[tuple[str, list[int]]] = []
    moved = _AFTER_STOP.sub(r"\2\1", text)  # `so. [1]` -> `so [1].`: a marker belongs to the sentence before it
    for start, end in sentences(moved):
        part = moved[start:end]
        keys = [int(key) for match in MARKER.finditer(part) for key in re.findall(r"\d+", match[1])]
        plain = re.sub(r"\s+([.,!?])", r"\1", " ".join(MARKER.sub("", part).split()))
        if re.search(r"\w", plain):
            found.append((plain, keys))
        elif found:
            found[-1][1].extend(keys)
    return found
