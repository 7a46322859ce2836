"""Blocking work that leaves the processor to requests."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

NICENESS: Final = 10
T = TypeVar("T")


async def in_nice_thread(work: Callable[[], T]) -> T:
    """In a thread of its own. Threads that the work starts are as nice, and cannot be less so."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="nice", initializer=_be_nice)
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, work)
    finally:
        thread.shutdown(wait=False)


def _be_nice() -> None:
    """Linux counts niceness by thread; elsewhere it would be the whole process's."""
    if sys.platform == "linux":
        own = threading.get_native_id()
        with contextlib.suppress(OSError):
            niceness = os.getpriority(os.PRIO_PROCESS, own) + NICENESS
            os.setpriority(os.PRIO_PROCESS, own, min(niceness, 19))
