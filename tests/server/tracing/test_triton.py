"""What is asked of Triton for a traced request belongs to its trace."""

import asyncio

from opentelemetry.sdk.resources import Resource

from server.lane import Lane
from server.stages import StageClock
from server.tracing.clock import TracedClock
from server.tracing.spans import SpanBuilder
from server.tracing.tracer import Tracer
from server.wire import RankRequest
from tests.bundles import rank_body
from tests.server.fake_triton import FakeTriton, first, lane, model, triton
from tests.server.tracing.test_tracer import OPERATION, TRACE, Kept, scope

__all__ = ["first", "lane", "model", "triton"]


def traced(kept: Kept) -> TracedClock:
    clock = Tracer(1.0, kept).begin(scope("01", "vendor=1"), OPERATION)
    assert clock is not None
    return clock


async def rank(lane: Lane, clock: StageClock) -> None:
    request = RankRequest(**rank_body("user-1", 10), deadline_ms=5000.0)
    await lane.ranker.rank(request, clock)


async def test_the_run_is_a_child_of_the_inference(lane: Lane, triton: FakeTriton) -> None:
    kept = Kept()
    clock = traced(kept)
    await rank(lane, clock)
    clock.trace.answered(clock, 200, {})
    [told] = triton.headers
    assert told is not None
    assert told["tracestate"] == "vendor=1"
    _, trace_id, parent_id, flags = told["traceparent"].split("-")
    spans = SpanBuilder(Resource.get_empty()).spans(kept.finished[0])
    [inference] = [span for span in spans if span.name == "inference"]
    assert (trace_id, flags) == (TRACE, "01")
    assert parent_id == f"{inference.context.span_id:016x}"


async def test_a_run_of_several_belongs_to_the_first_that_is_traced(
    lane: Lane, triton: FakeTriton
) -> None:
    clock = traced(Kept())
    await asyncio.gather(rank(lane, StageClock()), rank(lane, clock), rank(lane, StageClock()))
    assert triton.headers == [clock.trace.onward]


async def test_without_a_trace_nothing_goes_along(lane: Lane, triton: FakeTriton) -> None:
    await rank(lane, StageClock())
    assert triton.headers == [None]
