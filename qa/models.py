"""From a `--model SPEC` to a language model that can be asked.

Flows in: a specification such as `openai:gpt-4o-mini`. Flows out: a `Model` around a llama-index LLM, or one clear error.
Secrets come from the environment alone. Nothing is sent yet, except by `gguf:` and `hf:`, which load the weights.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from index.errors import InputError, ModelUnavailable

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

QUOTES = "quotes"
SPECS = "quotes, openai:NAME, ollama:NAME, anthropic:NAME, gguf:PATH or hf:NAME_OR_PATH"
KINDS = ("openai", "ollama", "anthropic", "gguf", "hf")
MAX_TOKENS = 400  # of an answer
CHARACTERS = 3.0  # of a token, where the model's own tokenizer cannot be asked; telegrams in capitals have few


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to `connect`, for the `first` piece (a laptop reads the passages meanwhile), `between` pieces, in `total`."""

    connect: float = 10.0
    first: float = 180.0
    between: float = 60.0
    total: float = 600.0


@dataclass(slots=True)
class Model:
    """A language model. `count_tokens` is its own tokenizer's where that can be asked. `takes_schema`: whether it is asked
    for JSON by a schema; turned off for good where its server refuses one. `mend`: what to do where its server is not there.
    `keep`: what must live as long as the model."""

    spec: str
    llm: LLM
    count_tokens: Callable[[str], int]
    takes_schema: bool
    mend: str
    limits: Limits
    secret: str = ""
    keep: object = None


def check_spec(spec: str, option: str = "--model") -> str:
    """The specification itself, where it is one; else InputError, which names the `option` that it was given by."""
    kind, _, name = spec.partition(":")
    if spec != QUOTES and (kind not in KINDS or not name):
        raise InputError(f"{option} {spec!r} is not known. Use {SPECS}.")
    return spec


def load_model(spec: str, limits: Limits = Limits()) -> Model:
    """The language model of a specification other than `quotes`.

    `openai:NAME` is any OpenAI-compatible server: OPENAI_BASE_URL (default: OpenAI's own) and OPENAI_API_KEY.
    `ollama:NAME` is Ollama on this machine, or at OLLAMA_HOST. `anthropic:NAME` needs ANTHROPIC_API_KEY, and is asked at the
    OpenAI-compatible address that Anthropic offers (ANTHROPIC_BASE_URL names another). `gguf:PATH` and `hf:NAME_OR_PATH`
    run in this process, and take the memory that the weights take. Raises InputError or ModelUnavailable.
    """
    kind, _, name = check_spec(spec).partition(":")
    if kind == "openai":
        base = os.environ.get("OPENAI_BASE_URL", "")
        key = os.environ.get("OPENAI_API_KEY", "")
        if not key and not base:
            raise ModelUnavailable(
                f"{spec}: no key. Run `export OPENAI_API_KEY=...`, or set OPENAI_BASE_URL for a server without keys."
            )
        url = base or "https://api.openai.com/v1"
        if not re.match(r"https?://\w", url):
            raise ModelUnavailable(
                f"{spec}: OPENAI_BASE_URL is {url!r}, which is no address. Write http://HOST:PORT/v1."
            )
        return _served(spec, name, url, key, "Start it, or correct OPENAI_BASE_URL.", limits, tokens=bool(base))
    if kind == "ollama":
        host = os.environ.get("OLLAMA_HOST", "")
        try:
            url = f"{_ollama(host)}/v1"
        except ValueError:
            raise ModelUnavailable(f"{spec}: OLLAMA_HOST is {host!r}, which is no address. Write HOST:PORT.") from None
        return _served(spec, name, url, "", f"Run `ollama serve` and `ollama pull {name}`.", limits)
    if kind == "anthropic":
        key = os.environ.get("ANTHROPIC_API_KEY", "")
        if not key:
            raise ModelUnavailable(f"{spec}: no key. Run `export ANTHROPIC_API_KEY=...`.")
        url = os.environ.get("ANTHROPIC_BASE_URL", "https://api.anthropic.com").rstrip("/").removesuffix("/v1") + "/v1"
        return _served(spec, name, url, key, "Correct ANTHROPIC_BASE_URL, or try later.", limits, schema=False)
    if kind == "gguf":
        from qa.gguf import start

        server, url, key = start(spec, name)
        return _served(spec, "gguf", url, key, "Start again.", limits, tokens=True, keep=server)
    from qa.transformer import Transformer

    llm = Transformer.load(spec, name, MAX_TOKENS)
    return Model(spec, llm, llm.count_tokens, False, "Start again.", limits)


def _ollama(host: str) -> str:
    """OLLAMA_HOST as an address, as Ollama itself reads it: `http` and port 11434 unless said, loopback where it listens to all."""
    plain = "//" not in host
    parts = urlsplit(f"http://{host}" if plain else host)
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)
    port = parts.port or (11434 if plain else None)
    where = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{where}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _served(
    spec: str, name: str, url: str, key: str, mend: str, limits: Limits, *,
    schema: bool = True, tokens: bool = False, keep: object = None,
) -> Model:  # fmt: skip
    """A model behind an OpenAI-compatible address."""
    try:
        import openai.resources  # noqa: F401  # else the first question waits for it, within its time limit
        from llama_index.llms.openai_like import OpenAILike
    except ImportError:
        kind = spec.partition(":")[0]
        raise ModelUnavailable(f"{spec} needs what talks to a server. Run `pip install 'cable-qa[{kind}]'`.") from None
    try:
        near = _on_this_machine(url)
    except httpx.InvalidURL:
        raise ModelUnavailable(f"{spec}: {url!r} is no address. Write http://HOST:PORT/v1.") from None
    timeout: Any = httpx.Timeout(None, connect=limits.connect)
    llm = OpenAILike(
        model=name, api_base=url, api_key=key or "none", is_chat_model=True, max_retries=0, temperature=0.0,
        max_tokens=MAX_TOKENS, additional_kwargs={"timeout": timeout},
        # a connection for each answer: none is left open, and closing one stops the server
        async_http_client=httpx.AsyncClient(
            limits=httpx.Limits(max_keepalive_connections=0), trust_env=not near
        ),
    )  # fmt: skip
    count = ServerTokens(url, name, key) if tokens else by_characters
    return Model(spec, llm, count, schema, f"No server at {url}. {mend}", limits, key, keep)


def _on_this_machine(url: str) -> bool:
    """Whether an address is loopback: what goes there is no business of a proxy."""
    return (httpx.URL(url).host or "").strip("[]") in ("localhost", "127.0.0.1", "::1")


def by_characters(text: str) -> int:
    """A cautious guess at the number of tokens."""
    return int(len(text) / CHARACTERS) + 1


class ServerTokens:
    """Counts tokens with the server's own tokenizer (`/tokenize` of llama.cpp and vLLM); by characters from the first time
    that it does not answer."""

    def __init__(self, url: str, name: str, key: str) -> None:
        self._url = url.rstrip("/").removesuffix("/v1") + "/tokenize"
        self._name = name
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._answers = True

    def __call__(self, text: str) -> int:
        if self._answers:
            try:
                body = {"content": text, "prompt": text, "model": self._name}
                reply = httpx.post(
                    self._url, json=body, headers=self._headers, timeout=3, trust_env=not _on_this_machine(self._url)
                )
                return len(reply.raise_for_status().json()["tokens"])
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
                self._answers = False
        return by_characters(text)
