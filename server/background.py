"""Work that goes on beside requests."""

import asyncio
import logging
from collections.abc import Coroutine

from cache.ending import end

log = logging.getLogger(__name__)


class Background:
    """Ended together; a piece that fails is reported when it does."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_idle(self) -> bool:
        """Whether all of it has ended."""
        return not self._tasks

    def keep(self, name: str, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report)
        task.add_done_callback(self._tasks.discard)
        self._tasks.add(task)

    async def end(self) -> None:
        await end(self._tasks)


def _report(task: asyncio.Task[None]) -> None:
    """Background work ends when it is cancelled; anything else is a fault that must be seen."""
    if not task.cancelled() and task.exception() is not None:
        log.error("background work %r ended", task.get_name(), exc_info=task.exception())
