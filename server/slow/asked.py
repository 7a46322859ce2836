"""What a request that fails leaves in its scope, for whoever tells of it."""

from typing import Final, NamedTuple

from starlette.types import Scope

from server.access.key_ring import Holder
from server.lane import Lane
from server.stages import StageClock
from server.wire import RankRequest

ASKED: Final = "understudy.asked"


class Asked(NamedTuple):
    request: RankRequest
    lane: Lane
    holder: Holder | None


def asked_of(scope: Scope) -> Asked | None:
    """None of a request that failed before it was understood."""
    asked: Asked | None = scope.get(ASKED)
    return asked


def ids_of(scope: Scope, clock: StageClock) -> dict[str, str | None]:
    """For log lines: the id that its caller gave the request, and its trace's."""
    asked = asked_of(scope)
    return {
        "request_id": None if asked is None else asked.request.request_id,
        "trace_id": trace_id_of(clock),
    }


def trace_id_of(clock: StageClock) -> str | None:
    """None of a request that is not traced."""
    return None if clock.trace is None else clock.trace.id
