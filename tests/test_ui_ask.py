"""An answer that nobody waits for any more is left at once, and closed when its step has ended."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator
from contextlib import suppress

import pytest

from ui_ask import _interruptible


@pytest.mark.parametrize("leave_at", ["a step", "a pause"])
def test_what_is_cancelled_is_left_at_once_and_closed(leave_at: str) -> None:
    over, closed = threading.Event(), threading.Event()

    @_interruptible
    def answer() -> Generator[dict[str, str], None, None]:
        try:
            yield {"log": "Reading"}
            over.wait(20)
            yield {"log": "Too late"}
        finally:
            closed.set()

    async def leave() -> float:
        steps = answer()
        assert await anext(steps) == {"log": "Reading"}
        began = time.perf_counter()
        if leave_at == "a step":
            waiting = asyncio.ensure_future(anext(steps))
            await asyncio.sleep(0.1)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        await steps.aclose()
        took = time.perf_counter() - began
        assert closed.is_set() is (leave_at == "a pause")
        over.set()
        return took

    assert asyncio.run(leave()) < 5
    assert closed.wait(5)
