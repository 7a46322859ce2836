"""Blocking look-ups in a store that may hang, apart from the threads that all else shares."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

PATIENCE_S: Final = 8.0
Found = TypeVar("Found")


class Lookups:
    """One at a time, in a thread of its own: one that hangs costs no other, and who asks
    meanwhile waits for it as long as for an answer, and no longer."""

    def __init__(self, name: str, patience_s: float = PATIENCE_S) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._patience_s = patience_s

    async def run(self, look: Callable[[], Found]) -> Found:
        """Raises TimeoutError, and what `look` does."""
        try:
            async with asyncio.timeout(self._patience_s):
                return await asyncio.get_running_loop().run_in_executor(self._thread, look)
        except TimeoutError as error:
            raise TimeoutError(f"nothing came in {self._patience_s:g} s") from error
