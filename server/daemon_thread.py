"""Blocking work that may never end."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_daemon_thread(name: str, work: Callable[[], T]) -> T:
    """In a thread of its own, which no end of the process waits for. Cancelled, the work goes on
    and nobody is told what came of it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(settle: Callable[[Any], None], what: object) -> None:
        if not done.done():
            settle(what)

    def run() -> None:
        try:
            told: tuple[Callable[[Any], None], object] = (done.set_result, work())
        except BaseException as error:
            told = (done.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed by now
            loop.call_soon_threadsafe(tell, *told)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
