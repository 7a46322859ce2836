"""POST /v1/events: what happened to what was shown, on its way to the users' histories."""

import time
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cache.errors import StoreUnavailable
from cache.events import IMPRESSION, Event
from server import problems
from server.body import BodyReader
from server.errors import EventsUnavailable, InvalidRequest, ServingError
from server.gateway import Gateway
from server.tracing.answers import refuse
from server.tracing.clock import TracedClock
from server.tracing.operation import post
from server.wire import EventBatch, EventEntry, EventsAccepted

RETRY_AFTER_S: Final = 1
OPERATION: Final = post("/v1/events")


class EventsRoute:
    """202 once the whole batch is in the stream; anything else means: send the batch again.
    Repeats are harmless, because events are counted once by their id."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._body = BodyReader(EventBatch, gateway.settings.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tracer = self._gateway.tracer
        traced = None if tracer is None else tracer.begin(scope, OPERATION)
        if traced is not None:
            await self._traced(traced, scope, receive, send)
            return
        try:
            response = await self._answer(scope, receive)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _traced(self, clock: TracedClock, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(scope, receive, clock)
            clock.mark("encode")
            response.raw_headers.append(clock.trace.header)
            await response(scope, receive, send)
            clock.trace.answered(clock, response.status_code, {})
        except ClientDisconnect as error:
            clock.trace.failed(clock, error)
        except ServingError as error:
            await refuse(problems.refusal(error), error, clock, scope, receive, send)
        except Exception as error:
            clock.trace.failed(clock, error)
            raise

    async def _answer(
        self, scope: Scope, receive: Receive, clock: TracedClock | None = None
    ) -> Response:
        batch, codec = await self._body.read(scope, receive)
        if clock is not None:
            clock.mark("decode")
        await self._append(self._events(batch.events))
        if clock is not None:
            clock.mark("cache")
        body = codec.encode(EventsAccepted(len(batch.events)))
        return Response(body, 202, media_type=codec.media_type.decode())

    async def _append(self, events: list[Event]) -> None:
        feed = self._gateway.events
        if feed is None:
            raise EventsUnavailable(
                "no Redis is configured to keep events",
                remedy="set UNDERSTUDY_REDIS_URL and start the gateway again",
            )
        try:
            await feed.append(events)
        except StoreUnavailable as error:
            raise EventsUnavailable(
                f"the batch was not stored: {error}",
                remedy="send the same batch again: events are counted once by event_id",
                retry_after_s=RETRY_AFTER_S,
            ) from error
        for event in events:
            self._gateway.metrics.events.labels(event.kind).inc()

    def _events(self, entries: list[EventEntry]) -> list[Event]:
        settings = self._gateway.settings
        kinds = {IMPRESSION}
        for vertical in self._gateway.verticals.values():
            kinds.update(vertical.lane.model.manifest.tasks)
        now_ms = time.time_ns() // 1_000_000
        latest_ms = now_ms + round(settings.events_max_skew_s * 1000)
        if len(entries) > settings.max_events:
            raise InvalidRequest(
                f"{len(entries)} events are more than {settings.max_events}",
                field="events",
                value=len(entries),
                remedy="send several batches, or raise UNDERSTUDY_MAX_EVENTS",
            )
        for position, entry in enumerate(entries):
            _check(entry, position, kinds, None if settings.replay else latest_ms)
        return [
            Event(
                entry.event_id,
                entry.type,
                entry.user_id,
                entry.item_id,
                entry.timestamp_ms or now_ms,
                entry.request_id or "",
            )
            for entry in entries
        ]


def _check(entry: EventEntry, position: int, kinds: set[str], latest_ms: int | None) -> None:
    if entry.type not in kinds:
        raise InvalidRequest(
            f"an event is one of {', '.join(sorted(kinds))}",
            field=f"events[{position}].type",
            value=entry.type,
            remedy="name one of them",
        )
    if latest_ms is not None and (entry.timestamp_ms or 0) > latest_ms:
        raise InvalidRequest(
            "the event is in the future",
            field=f"events[{position}].timestamp_ms",
            value=entry.timestamp_ms,
            remedy="check the sender's clock, or leave timestamp_ms out",
        )
