"""One prompt to a language model, and its whole reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from index.errors import ModelUnavailable

if TYPE_CHECKING:
    from llama_index.core.llms import LLM


def reply(llm: LLM, prompt: str) -> str:
    """What the model says to `prompt`, without white space around it. One call to the model server.

    Raises ModelUnavailable, in one line, where the server does not answer as it should.
    """
    from llama_index.core.llms import ChatMessage

    try:
        pieces = [piece.delta or "" for piece in llm.stream_chat([ChatMessage(role="user", content=prompt)])]
    except Exception as error:  # the clients raise whatever their transport raises
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelUnavailable(f"{llm.metadata.model_name} did not answer: {reason}") from error
    return "".join(pieces).strip()
