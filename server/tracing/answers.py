"""The ends of a request, traced or not: what its answer says of its trace, and its span of it."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.metrics import Metrics
from server.problems import let_go
from server.ranked import Ranked
from server.shed import count_hung_up
from server.stages import StageClock
from server.tracing.trace import Attributes
from server.wire import RankAnswer


async def refuse(
    response: Response,
    error: Exception,
    clock: StageClock,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Sends what the error became; its span is told of it afterwards, where there is one. Lets go
    of the error."""
    trace = clock.trace
    try:
        if trace is not None:
            response.raw_headers.append(trace.header)
        await response(scope, receive, send)
        if trace is not None:
            trace.failed(clock, error)
    finally:
        let_go(error)


def left(metrics: Metrics, error: Exception, clock: StageClock) -> None:
    """For a caller who hung up. Lets go of the error."""
    count_hung_up(metrics)
    if clock.trace is not None:
        clock.trace.failed(clock, error)
    let_go(error)


def told_of(ranked: Ranked, answer: RankAnswer) -> Attributes:
    """Holds on to nothing of the request but a few words."""
    summary, coverage = ranked.assembled.summary, answer.coverage
    return {
        "understudy.request_id": answer.request_id,
        "understudy.model": answer.model,
        "understudy.version": answer.version,
        "understudy.lane": answer.lane,
        "understudy.candidates": summary.candidates,
        "understudy.coverage.pair": coverage.pair,
        "understudy.coverage.neighbour": coverage.neighbour,
        "understudy.coverage.user": coverage.user,
        "understudy.coverage.item": coverage.item,
        "understudy.coverage.none": coverage.none,
        "understudy.degraded": [f"{each.stage}:{each.reason}" for each in answer.degraded],
    }
