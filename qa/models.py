"""From a `--model SPEC` to a llama-index LLM.

Flows in: a specification such as `openai:gpt-4o-mini`. Flows out: a llama-index LLM, or one clear error.
Secrets come from the environment alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from index.errors import InputError

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

QUOTES = "quotes"
SPECS = "quotes, openai:NAME or ollama:NAME"
TIMEOUT = 120.0  # seconds


def check_spec(spec: str) -> str:
    """The specification itself, where it is one; else InputError."""
    kind, _, name = spec.partition(":")
    if spec != QUOTES and (kind not in ("openai", "ollama") or not name):
        raise InputError(f"--model {spec!r} is not known. Use {SPECS}.")
    return spec


def load_model(spec: str) -> LLM:
    """The language model of a specification other than `quotes`; nothing is sent yet.

    `openai:NAME` is any OpenAI-compatible server: OPENAI_BASE_URL (default: OpenAI's own) and OPENAI_API_KEY.
    `ollama:NAME` is Ollama on this machine, or at OLLAMA_HOST.
    """
    from llama_index.llms.openai_like import OpenAILike

    kind, _, name = check_spec(spec).partition(":")
    if kind == "ollama":
        host = os.environ.get("OLLAMA_HOST", "127.0.0.1:11434")
        base, key = (host if "//" in host else f"http://{host}").rstrip("/") + "/v1", "ollama"
    else:
        base, key = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1"), os.environ.get("OPENAI_API_KEY", "")
        if not key and "OPENAI_BASE_URL" not in os.environ:
            raise InputError(
                "No OPENAI_API_KEY in the environment. Set it, or OPENAI_BASE_URL for a server without keys."
            )
    llm: LLM = OpenAILike(
        model=name, api_base=base, api_key=key or "none", is_chat_model=True, timeout=TIMEOUT, max_retries=1,
        temperature=0.0, max_tokens=400,
    )  # fmt: skip
    return llm
