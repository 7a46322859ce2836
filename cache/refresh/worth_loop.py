"""The loop of `understudy worth`: served requests and events in, the transfer ratio out."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Final

from cache import events, record, served
from cache.errors import Corrupt, StoreUnavailable
from cache.events import Event
from cache.keys import record_key
from cache.record import UserRecord
from cache.refresh.follower import Followed
from cache.refresh.process import warn
from cache.refresh.tally import Tally
from cache.refresh.worth_judge import Judge, Judged
from cache.refresh.worth_report import report
from cache.refresh.worth_sums import Sums
from cache.refresh.worth_window import AttributionWindow
from cache.served import Served
from cache.store import Store
from cache.streams import Message
from cache.watch import StreamWatch
from models.features.item_changes import ItemChanges
from models.schema import TIERS

BATCH: Final = 16
TURNS: Final = 8
"""Batches judged before events are looked at."""
BLOCK_MS: Final = 500
DELAY_S: Final = 2.0
"""How long an event waits for the request that it belongs to: an answer is on its way to the stream
for a moment, and what was clicked may be there first."""
MOST_EVENTS: Final = 100_000
PAUSE_S: Final = 0.5


class WorthLoop:
    def __init__(
        self,
        answers: StreamWatch,
        happenings: StreamWatch,
        store: Store,
        judge: Judge,
        window: AttributionWindow,
        tally: Tally,
        follower: Followed[ItemChanges] | None = None,
        *,
        delay_s: float = DELAY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sums = Sums()
        self._answers, self._happenings, self._store = answers, happenings, store
        self._judge, self._window, self._tally = judge, window, tally
        self._follower = follower
        self._delay_s = delay_s
        self._clock = clock
        # Each behind the instant at which it counts. Times of requests wait longer than events, so
        # that what is told a moment late is still before them.
        self._told: deque[tuple[float, Event]] = deque()
        self._marks: deque[tuple[float, int]] = deque()
        self._reached_ms = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. After a store that was away, what waited for its events is let go: some of
        them may never have come."""
        watches = self._happenings, self._answers
        has_begun = False
        while not stop.is_set():
            try:
                if not has_begun:
                    self._forget()
                    # Events first: none of a request that is read may be missed.
                    for watch in watches:
                        await watch.begin()
                    has_begun = True
                await self.step()
            except StoreUnavailable:
                has_begun = False
                await asyncio.sleep(PAUSE_S)
        with suppress(StoreUnavailable):
            for watch in watches:
                await watch.end()

    async def step(self, block_ms: int = BLOCK_MS) -> None:
        """Raises StoreUnavailable."""
        if self._follower is not None:
            await self._follower.catch_up()
        await self._take_all(block_ms)
        is_caught_up = await self._listen()
        self._apply()
        if is_caught_up:
            self._settle()

    async def _take_all(self, block_ms: int) -> None:
        """Before any event is read: one whose request is not held yet would be nobody's. What there
        is no time to judge is passed over, whatever became of it."""
        for turn in count():
            messages = await self._answers.read(BATCH, 0 if turn else block_ms)
            if turn < TURNS:
                await self._take(messages)
            else:
                self._tally.add("requests", "no_time", len(messages))
            if len(messages) < BATCH:
                return

    async def _take(self, messages: Sequence[Message]) -> None:
        requests = [request for message in messages if (request := self._decoded(message))]
        states = await self._states(requests)
        for request, state in zip(requests, states, strict=True):
            judged = await self._judged(request, state)
            if not isinstance(judged, Judged):
                self._tally.add("requests", judged, 1)
                continue
            is_held = self._window.hold(judged)
            self._tally.add("requests", "judged" if is_held else "no_room", 1)
            self._marks.append((self._clock() + 2 * self._delay_s, judged.at_ms))

    async def _judged(self, request: Served, state: UserRecord | None) -> Judged | str:
        """Or why it is not. One request must not end the worker."""
        try:
            return await asyncio.to_thread(self._judge.judge, request, state)
        except Exception as error:
            warn("worth passes over", request=request.request_id, reason=repr(error)[:1000])
            return "failed"

    def _decoded(self, message: Message) -> Served | None:
        try:
            request = served.decode(message.body)
            if request.tier.max() < len(TIERS):
                return request
        except Corrupt:
            pass
        self._tally.add("requests", "damaged", 1)
        return None

    async def _states(self, requests: Sequence[Served]) -> list[UserRecord | None]:
        """Of users whose older history the teacher reads, in one round trip."""
        wanted = {request.user_id for request in requests if self._judge.wants_record(request)}
        users = sorted(wanted)
        values = await self._store.get_many([record_key(user) for user in users]) if users else []
        held = dict(zip(users, map(_record, values), strict=True))
        return [held.get(request.user_id) for request in requests]

    async def _listen(self) -> bool:
        """Whether every event that there is has been read."""
        while len(self._told) < MOST_EVENTS:
            messages = await self._happenings.read(BATCH, 0)
            due_s = self._clock() + self._delay_s
            for message in messages:
                try:
                    told = events.decode(message.body)
                except Corrupt:
                    continue
                self._told.extend((due_s, event) for event in told)
            if len(messages) < BATCH:
                return True
        return False

    def _apply(self) -> None:
        now_s = self._clock()
        while self._told and self._told[0][0] <= now_s:
            is_ours = self._window.happened(self._told.popleft()[1])
            self._tally.add("events", "joined" if is_ours else "other", 1)
        while self._marks and self._marks[0][0] <= now_s:
            self._reached_ms = max(self._reached_ms, self._marks.popleft()[1])

    def _settle(self) -> None:
        for held in self._window.settle(self._reached_ms):
            rows = held.rows()
            self._tally.add("requests", "settled" if len(rows.label) else "not_shown", 1)
            if len(rows.label):
                self.sums.add(held.judged.user_id, rows)

    def _forget(self) -> None:
        self._tally.add("requests", "forgotten", self._window.clear())
        self._told.clear()
        self._marks.clear()

    def measure(self) -> None:
        self._tally.levels["held"] = len(self._window)
        report(self.sums, self._tally)


def _record(value: bytes | None) -> UserRecord | None:
    if value is None:
        return None
    try:
        return record.decode(value)
    except Corrupt:
        return None
