"""Keeps something of this process as a feed tells it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from cache.errors import CacheError
from cache.feed import ChangesMissed, Feed

RETRY_S: Final = 1.0
log = logging.getLogger(__name__)

T = TypeVar("T")


class Following(Generic[T]):
    """`apply` takes one part of the table, or the changes of one read, at a time."""

    def __init__(self, feed: Feed[T], apply: Callable[[T], Awaitable[None]], what: str) -> None:
        self._feed = feed
        self._apply = apply
        self._what = what
        self._last_id: bytes | None = None
        self._is_failing = False

    @property
    def has_begun(self) -> bool:
        """Whether the table was read, so that what comes is news."""
        return self._last_id is not None

    async def catch_up(self) -> None:
        """Takes the table as it stands. Raises CacheError."""
        last_id = await self._feed.last_id()
        async for part in self._feed.parts():
            await self._apply(part)
        self._last_id = last_id

    async def run(self) -> None:
        """Until cancelled. After a failure it begins with the whole table again."""
        while True:
            try:
                await self._follow()
            except ChangesMissed as error:
                log.warning("%s are read anew: %s", self._what, error)
                self._last_id = None
            except CacheError as error:
                self._note(error)
                self._last_id = None
                await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        if self._last_id is None:
            await self.catch_up()
        while self._last_id is not None:
            changed, self._last_id = await self._feed.follow(self._last_id)
            await self._apply(changed)
            self._is_failing = False

    def _note(self, error: CacheError) -> None:
        """Once for a run of failures."""
        if not self._is_failing:
            log.warning("%s stand still: %s", self._what, error)
        self._is_failing = True
