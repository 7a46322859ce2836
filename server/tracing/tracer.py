"""Which requests are traced: decided once, as they arrive."""

from random import getrandbits
from typing import Final, Protocol

from starlette.types import Scope

from server.arrival import ARRIVED_NS
from server.tracing.clock import TracedClock
from server.tracing.context import Headers, Parent, parent_of, state_of
from server.tracing.operation import Operation
from server.tracing.trace import Finished, Ids, Trace

HALF_BITS: Final = 64
"""Of a trace id. Like OpenTelemetry's sampler by ratio this one goes by the lower half."""


class Keeper(Protocol):
    """What is used of server.tracing.outbox.Outbox."""

    def put(self, finished: Finished) -> None: ...

    def start(self) -> None: ...

    def close(self) -> None: ...


class Tracer:
    """Where the caller's trace is sampled, so is the request; where nobody has decided, `ratio`
    of the requests are. Nothing is built for the others."""

    def __init__(self, ratio: float, outbox: Keeper) -> None:
        self._below = round(ratio * (1 << HALF_BITS))
        self._outbox = outbox

    def begin(self, scope: Scope, operation: Operation) -> TracedClock | None:
        headers = scope["headers"]
        parent = parent_of(headers)
        if parent is None:
            low = getrandbits(HALF_BITS)
            if low >= self._below:
                return None
            ids = _ids((getrandbits(HALF_BITS) or 1) << HALF_BITS | low)
        elif parent.is_sampled:
            ids = _ids_below(parent, headers)
        else:
            return None
        return TracedClock(Trace(operation, ids, self._outbox.put), scope.get(ARRIVED_NS))

    def start(self) -> None:
        self._outbox.start()

    def close(self) -> None:
        """Blocking, for a bounded time: what was finished is sent, where it can be."""
        self._outbox.close()


def _ids(trace_id: int) -> Ids:
    return Ids(trace_id, new_span_id(), new_span_id(), 0, "")


def _ids_below(parent: Parent, headers: Headers) -> Ids:
    return Ids(parent.trace_id, new_span_id(), new_span_id(), parent.span_id, state_of(headers))


def new_span_id() -> int:
    return getrandbits(64) or 1
