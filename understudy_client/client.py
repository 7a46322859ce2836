"""The client that blocks. Threads may share one."""

from collections.abc import Iterable
from typing import Self, TypeVar, Unpack

import httpx

from understudy_client.calls import OTHER_DEADLINE_MS, Call, Calls, HttpOptions
from understudy_client.receiving import Body, named
from understudy_client.replies import Reply, refusal
from understudy_client.status import CacheStatus
from understudy_client.wire import (
    Event,
    EventsAccepted,
    Item,
    ItemsAccepted,
    Ranking,
    RankOptions,
    Ready,
)

T = TypeVar("T")


class Client(Calls[httpx.Client]):
    """Every call raises an UnderstudyError when it has no answer.

    Three things can hold a call past its deadline, for nothing here can interrupt them: a slow name
    server, or a name with several addresses of which none answers; headers that trickle in byte by
    byte; and a gateway that falls silent amid the exchange, which is noticed after at most as long
    again. AsyncClient keeps it whatever happens.
    """

    def rank(
        self, user_id: str, items: Iterable[str] | None = None, **options: Unpack[RankOptions]
    ) -> Ranking:
        """Bare ids as `items`, or `candidates` with bids and features."""
        return self._answer(self._rank(user_id, items, options))

    def events(
        self, events: Iterable[Event], *, deadline_ms: float = OTHER_DEADLINE_MS
    ) -> EventsAccepted:
        """On any error send the same batch again: an event counts once by its `event_id`."""
        return self._answer(self._events(events, deadline_ms))

    def items(
        self, items: Iterable[Item], *, deadline_ms: float = OTHER_DEADLINE_MS
    ) -> ItemsAccepted:
        """Needs `key`. On any error send the same batch again: the later word on an item holds."""
        return self._answer(self._items(items, deadline_ms))

    def ready(self, *, deadline_ms: float = OTHER_DEADLINE_MS) -> Ready:
        """Raises Unavailable, with the reason, while the gateway is not."""
        return self._answer(self._ready(deadline_ms))

    def cache_status(self, *, deadline_ms: float = OTHER_DEADLINE_MS) -> CacheStatus:
        return self._answer(self._status(deadline_ms))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ending: object) -> None:
        self.close()

    def _open(self, options: HttpOptions) -> httpx.Client:
        return httpx.Client(**options)

    def _answer(self, call: Call[T]) -> T:
        while True:
            reply = self._exchange(call)
            if 200 <= reply.status < 300:
                return call.read(reply)
            self._clock.sleep(call.retries.wait_s(refusal(reply)))

    def _exchange(self, call: Call[T]) -> Reply:
        request = self._request(call)
        body = Body(call.budget)
        with named(call.budget, request.url):
            response = self._http.send(request, stream=True)
            try:
                for part in response.iter_raw():
                    body.add(part)
            finally:
                response.close()
        return body.reply(response)
