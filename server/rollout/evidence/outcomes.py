"""What became of answers: the events stream, followed while somebody waits for its labels."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Final, Protocol

from cache import events
from cache.errors import Corrupt, StoreUnavailable
from cache.events import IMPRESSION, Event
from cache.streams import Message
from models.features.hashing import key64
from server.rollout.guardrails.attribution import Attribution, Held, Outcome, Slate

BATCH: Final = 64
PAUSE_S: Final = 0.5
BUSY_S: Final = 0.1 * PAUSE_S
"""Of the loop, at each turn, for reading events: what comes faster stays in the stream."""
SETTLED_AT_ONCE: Final = 16
END_S: Final = 1.0
log = logging.getLogger(__name__)


class Watch(Protocol):
    """What is used of cache.watch.StreamWatch; every call may raise StoreUnavailable."""

    async def begin(self) -> None: ...

    async def read(self, count: int, block_ms: int) -> list[Message]: ...

    async def appended(self) -> int: ...

    async def end(self) -> None: ...


class Outcomes:
    """Where events were missed, because the store was away or the stream was trimmed, all that
    waited for them is let go: what is not known of one lane must not be counted as nothing."""

    def __init__(
        self,
        watch: Watch,
        attribution: Attribution,
        task: str,
        tell: Callable[[Outcome], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.is_following = False
        self._watch = watch
        self._attribution = attribution
        self._task = task
        self._tell = tell
        self._clock = clock
        self._appended = 0
        self._read = 0
        self._is_failing = False

    @property
    def waiting(self) -> int:
        return len(self._attribution)

    def show(self, slate: Slate) -> Held | None:
        """None while its events would be missed, and where there is no room for it."""
        held = self._attribution.show(slate, self._clock()) if self.is_following else None
        self.counts["unfollowed" if held is None else "followed"] += 1
        return held

    def settle(self, most: int) -> None:
        """Answers whose window has passed, `most` at once: no event of theirs is to come."""
        for outcome in self._attribution.settle(self._clock(), most):
            self._tell(outcome)
            self.counts["settled"] += 1

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self._step_leniently()
                await asyncio.sleep(PAUSE_S)
        finally:
            with suppress(StoreUnavailable, TimeoutError):
                await asyncio.wait_for(self._watch.end(), END_S)

    async def step(self) -> None:
        """Raises StoreUnavailable."""
        if not self.is_following:
            await self._begin()
        elif await self._read_all():
            await self._settle()

    async def _step_leniently(self) -> None:
        try:
            await self.step()
            self._is_failing = False
        except StoreUnavailable as error:
            if not self._is_failing:
                log.warning("no clicks are counted: %s", error)
            self._is_failing = True
            self.counts["failed"] += 1
            self._forget("away")

    async def _begin(self) -> None:
        await self._watch.begin()
        self._appended, self._read = await self._watch.appended(), 0
        self.is_following = True

    async def _read_all(self) -> bool:
        """Whether nothing is left to read, and nothing was missed."""
        appended, busy_s = await self._watch.appended(), 0.0
        while busy_s < BUSY_S:
            messages = await self._watch.read(BATCH, 0)
            self._read += len(messages)
            for message in messages:
                began_s = perf_counter()
                self._hear(message)
                busy_s += perf_counter() - began_s
                await asyncio.sleep(0)
            if len(messages) < BATCH:
                return not self._has_missed(appended)
        return False

    def _has_missed(self, appended: int) -> bool:
        """Whether messages went before they were read: more had been appended."""
        is_short = self._read < appended - self._appended
        if is_short:
            self._forget("trimmed")
        return is_short

    def _hear(self, message: Message) -> None:
        try:
            told = events.decode(message.body)
        except Corrupt:
            self.counts["damaged"] += 1
            return
        for event in told:
            if self._attribution.knows(event.user_id):
                self._join(event)

    def _join(self, event: Event) -> None:
        told = event.user_id, key64(event.item_id), event.timestamp_ms, event.request_id
        joined = False
        if event.kind == IMPRESSION:
            joined = self._attribution.impression(*told)
        elif event.kind == self._task:
            joined = self._attribution.click(*told)
        self.counts["joined" if joined else "other"] += 1

    async def _settle(self) -> None:
        before = -1
        while self.waiting != before:
            before = self.waiting
            self.settle(SETTLED_AT_ONCE)
            await asyncio.sleep(0)

    def _forget(self, why: str) -> None:
        self.counts[why] += self._attribution.clear()
        self.is_following = False
