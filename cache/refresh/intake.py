"""What is read next of the shards that a worker has: what is newest, of what it has not read."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cache.demand import Demand, alone
from cache.errors import MessageCorrupt
from cache.refresh.backlog import Backlog, Span
from cache.refresh.hand import Hand, InHand, best_of
from cache.refresh.lease import Lease
from cache.streams import START, Message

AT_ONCE: Final = 64
"""Messages of one shard, of at most 50 kB each."""
LOOK_AGAIN_S: Final = 30.0
"""A server that took over from a failed one may have messages that were settled on that one."""


class Rubbish(NamedTuple):
    shard: int
    token: int
    message: Message
    error: MessageCorrupt


class Heard(NamedTuple):
    """A message that demands nothing: it was to be heard of."""

    shard: int
    token: int
    id: bytes


Listener = Callable[[int, bytes, Demand], None]
"""Shard, id of the message, and all that it says."""


@dataclass(slots=True)
class _Cursor:
    """How far a shard was read under a lease: all up to `top`, but for what lies below `below`.

    What arrives is read in its order; `is_behind` when there is too much of it, as after an outage.
    """

    token: int
    tries: Mapping[bytes, int]
    top: bytes = START
    below: bytes | None = None  # the end of a range, as XRANGE takes it
    is_behind: bool = True


class Intake:
    """Puts messages into the hand while there is room in it. `listener` hears of each; what was
    only to be heard of is not kept."""

    def __init__(
        self,
        backlog: Backlog,
        decode: Callable[[bytes], Demand],
        hand: Hand,
        clock: Callable[[], float] = time.monotonic,
        listener: Listener | None = None,
    ) -> None:
        self._backlog = backlog
        self._decode = decode
        self._hand = hand
        self._cursors: dict[int, _Cursor] = {}
        self._clock = clock
        self._looked_s = clock()
        self.rubbish: list[Rubbish] = []
        """For the caller to bury, and to clear."""
        self.heard: list[Heard] = []
        """For the caller to settle, and to clear."""
        self._listener = listener
        self._untold: list[tuple[int, bytes, Demand]] = []

    async def refill(self, leases: Mapping[int, Lease], block_ms: int) -> None:
        """Waits up to `block_ms` for demand when there is none. Raises StoreUnavailable."""
        await self._follow(leases)
        self._look_again()
        await self._arrivals(0 if self._hand or self._has_more() else block_ms)
        await self._catch_up()
        self._tell()

    async def _follow(self, leases: Mapping[int, Lease]) -> None:
        """Forgets what belongs to leases that are over, and begins with new ones."""
        tokens = {shard: lease.token for shard, lease in leases.items()}
        if tokens == {shard: cursor.token for shard, cursor in self._cursors.items()}:
            return
        self._hand.keep(frozenset(tokens.values()))
        for shard in [n for n, cursor in self._cursors.items() if tokens.get(n) != cursor.token]:
            del self._cursors[shard]
        for shard in tokens.keys() - self._cursors.keys():
            tries = await self._backlog.tries(shard)
            self._cursors[shard] = _Cursor(tokens[shard], tries)

    def _look_again(self) -> None:
        """From the newest on, now and then when there is nothing to do."""
        is_due = self._clock() >= self._looked_s + LOOK_AGAIN_S
        if not is_due or self._hand or self._has_more():
            return
        self._looked_s = self._clock()
        for cursor in self._cursors.values():
            cursor.below = b"+"

    def _has_more(self) -> bool:
        return any(cursor.is_behind or cursor.below for cursor in self._cursors.values())

    async def _catch_up(self) -> None:
        """What is newest of the shards that are behind; older messages when the hand is half
        empty, so that they come in few long reads."""
        spans = [
            Span(shard, b"(" + cursor.top, b"+", AT_ONCE)
            if cursor.is_behind
            else Span(shard, b"-", cursor.below or b"-", AT_ONCE)
            for shard, cursor in self._cursors.items()
            if cursor.is_behind or (cursor.below and self._hand.is_half_empty)
        ]
        if not spans or self._hand.room <= 0:
            return
        for span, messages in zip(spans, await self._backlog.newest(spans), strict=True):
            self._moved(self._cursors[span.shard], messages)
            self._admit(span.shard, messages)

    def _moved(self, cursor: _Cursor, newest_first: Sequence[Message]) -> None:
        is_cut = len(newest_first) == AT_ONCE
        if cursor.is_behind:
            cursor.is_behind = False
            if newest_first:
                cursor.top = newest_first[0].id
            if is_cut:
                cursor.below = b"(" + newest_first[-1].id
        else:
            cursor.below = b"(" + newest_first[-1].id if is_cut else None

    async def _arrivals(self, block_ms: int) -> None:
        after = {
            shard: cursor.top for shard, cursor in self._cursors.items() if not cursor.is_behind
        }
        if not after or self._hand.room <= 0:
            return
        arrived = await self._backlog.arrivals(after, AT_ONCE, block_ms)
        for shard, messages in arrived.items():
            cursor = self._cursors[shard]
            cursor.top, cursor.is_behind = messages[-1].id, len(messages) == AT_ONCE
            self._admit(shard, messages[::-1])

    def _admit(self, shard: int, newest_first: Iterable[Message]) -> None:
        cursor = self._cursors[shard]
        for message in newest_first:
            if (cursor.token, message.id) in self._hand:
                continue
            try:
                asked = self._decode(message.body)
            except MessageCorrupt as error:
                self.rubbish.append(Rubbish(shard, cursor.token, message, error))
                continue
            if not self._take(shard, cursor, message, asked):
                # This one and those before it, another time.
                cursor.below = message.id
                break

    def _take(self, shard: int, cursor: _Cursor, message: Message, asked: Demand) -> bool:
        """False when there is no room."""
        if not len(asked.item_keys):
            self.heard.append(Heard(shard, cursor.token, message.id))
        else:
            held = _in_hand(shard, cursor, self._less_others(message, asked))
            if not self._hand.fits(held):
                return False
            self._hand.add(held)
        if self._listener is not None:
            self._untold.append((shard, message.id, asked))
        return True

    def _tell(self) -> None:
        """Of what one read brought, in the order of requests."""
        untold, self._untold = self._untold, []
        if self._listener is not None:
            for each in sorted(untold, key=lambda told: _order_of(told[1])):
                self._listener(*each)

    def _less_others(self, message: Message, asked: Demand) -> tuple[Message, Demand]:
        """What is held is bounded by the pairs that are demanded."""
        if asked.others is None:
            return message, asked
        lean = message._replace(body=alone(message.body))
        return lean, self._decode(lean.body)


def _order_of(message_id: bytes) -> tuple[int, int]:
    at_ms, _, number = message_id.partition(b"-")
    return int(at_ms), int(number)


def _in_hand(shard: int, cursor: _Cursor, received: tuple[Message, Demand]) -> InHand:
    (id_, body), asked = received
    tries = cursor.tries.get(id_, 0)
    return InHand(shard, cursor.token, id_, body, asked, tries, best_of(asked.scores))
