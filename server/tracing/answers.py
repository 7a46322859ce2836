"""What a traced request's answer says of its trace, and its span of the answer."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.ranked import Ranked
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
    """Sends what the error became; its span is told of it afterwards, where there is one."""
    trace = clock.trace
    if trace is None:
        await response(scope, receive, send)
        return
    response.raw_headers.append(trace.header)
    await response(scope, receive, send)
    trace.failed(clock, error)


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
