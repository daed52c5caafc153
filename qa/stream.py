"""Asks a language model, within its limits, and lets go of it when nobody reads on.

Flows in: a Model and a prompt. Flows out: the pieces of its text. All requests run on one event loop in a thread of its own: a
request that is cancelled there closes its connection, which is what tells a server to stop.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from index.errors import ModelUnavailable
from qa.models import MAX_TOKENS, Model

TICK = 0.5  # seconds after which an empty piece is given, so that whoever reads can leave
LONGEST = 20_000  # characters after which a model is told to stop
_DROPPED = ("RemoteProtocolError", "ReadError", "WriteError", "ConnectionResetError")


class RequestRefused(ModelUnavailable):
    """The server does not take the request as it is written: a schema, most likely."""


def stream(model: Model, prompt: str, **extra: Any) -> Iterator[str]:
    """The reply to a prompt, piece by piece, with an empty piece every half second in which none came.

    `extra` goes into the request. Closing the iterator closes the connection. A connection that drops before the first piece is
    tried once more. Raises ModelUnavailable, in one line, where the server does not answer as it should or in time.
    """
    pieces: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
    asked = asyncio.run_coroutine_threadsafe(_ask(model, prompt, extra, pieces.put), _loop())
    said = 0
    try:
        while True:
            try:
                piece = pieces.get(timeout=TICK)
            except queue.Empty:
                yield ""
                continue
            if isinstance(piece, BaseException):
                raise _explained(piece, model, said) from None
            if piece is None or said > LONGEST:
                break
            said += len(piece)
            yield piece
    finally:
        asked.cancel()
    if not said:
        raise ModelUnavailable(
            f"{model.spec} sent no text. Is its address that of an OpenAI-compatible API (.../v1)? A model that thinks first may "
            f"have used up its {MAX_TOKENS} tokens; name another."
        )


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="language model", daemon=True).start()
    return loop


async def _ask(
    model: Model, prompt: str, extra: dict[str, Any], put: Callable[[str | BaseException | None], None]
) -> None:
    given = 0

    def give(piece: str) -> None:
        nonlocal given
        given += 1
        put(piece)

    try:
        async with asyncio.timeout(model.limits.total):
            try:
                await _once(model, prompt, extra, give)
            except Exception as error:
                if given or not any(name in _DROPPED for name in _names(error)):
                    raise
                await _once(model, prompt, extra, give)
        put(None)
    except Exception as error:
        put(error)


async def _once(model: Model, prompt: str, extra: dict[str, Any], give: Callable[[str], None]) -> None:
    from llama_index.core.llms import ChatMessage

    limits = model.limits
    async with asyncio.timeout(limits.first) as clock:
        replies = await model.llm.astream_chat([ChatMessage(role="user", content=prompt)], **extra)
        finished: bool | None = None  # None: this kind of model does not say
        try:
            async for reply in replies:
                clock.reschedule(asyncio.get_running_loop().time() + limits.between)
                choices = getattr(reply.raw, "choices", None)
                if choices:
                    finished = bool(finished or choices[0].finish_reason)
                if reply.delta:
                    give(reply.delta)
        finally:
            await replies.aclose()
    if finished is False:
        raise ConnectionResetError


def _names(error: BaseException | None) -> Iterator[str]:
    """The class names of an error and of what caused it."""
    while error is not None:
        yield type(error).__name__
        error = error.__cause__ or error.__context__


def _explained(error: BaseException, model: Model, said: int) -> ModelUnavailable:
    """What went wrong and how to mend it, in one line; the key, where a server repeats it, is blotted out."""
    spec, limits = model.spec, model.limits
    status = getattr(error, "status_code", None)
    names = set(_names(error))
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    if model.secret:
        reason = reason.replace(model.secret, "***")
    if status in (401, 403):
        return ModelUnavailable(f"{spec}: the server refused the key ({status}). Set the right one in the environment.")
    if status == 404:
        return ModelUnavailable(
            f"{spec}: the server does not know the model or the address (404). Correct the name, or the address."
        )
    if status == 429:
        return ModelUnavailable(f"{spec}: too many requests, or nothing left to spend (429). Wait, then ask again.")
    if status in (400, 422, 501):
        return RequestRefused(f"{spec}: the server refused the request ({status}): {reason}")
    if status is not None:
        return ModelUnavailable(f"{spec}: the server failed ({status}). Ask again, or look at its log.")
    if names & {"ConnectTimeout", "ConnectError"}:
        return ModelUnavailable(f"{spec}: cannot connect. {model.mend}")
    if names & {"TimeoutError", "ReadTimeout", "APITimeoutError"}:
        waited = limits.between if said else limits.first
        return ModelUnavailable(f"{spec} sent nothing for {waited:g} seconds, or took longer than {limits.total:g}.")
    if any(name in _DROPPED for name in names):
        where = "in mid-answer" if said else "twice before an answer came"
        return ModelUnavailable(f"{spec}: the connection was dropped {where}. Ask again, or look at the server's log.")
    if "JSONDecodeError" in names:
        return ModelUnavailable(
            f"{spec}: what the server sent is not JSON. Is its address that of an OpenAI-compatible API?"
        )
    return ModelUnavailable(f"{spec} did not answer: {reason}")
