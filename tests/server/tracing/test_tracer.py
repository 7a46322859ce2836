from typing import Any

import pytest

from server.stages import STAGES, StageClock
from server.tracing.operation import post
from server.tracing.trace import Finished, Trace
from server.tracing.tracer import Tracer

OPERATION = post("/v1/rank")
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Kept:
    def __init__(self) -> None:
        self.finished: list[Finished] = []

    def put(self, finished: Finished) -> None:
        self.finished.append(finished)

    def start(self) -> None: ...

    def close(self) -> None: ...


def scope(flags: str | None = None, state: str | None = None) -> dict[str, Any]:
    headers = [(b"host", b"here")]
    if flags is not None:
        headers.append((b"traceparent", f"00-{TRACE}-{SPAN}-{flags}".encode()))
    if state is not None:
        headers.append((b"tracestate", state.encode()))
    return {"type": "http", "headers": headers}


@pytest.mark.parametrize("ratio", [0.01, 0.3, 1.0])
def test_so_large_a_share_is_traced(ratio: float) -> None:
    tracer, many = Tracer(ratio, Kept()), 4000
    traced = sum(tracer.begin(scope(), OPERATION) is not None for _ in range(many))
    assert abs(traced - ratio * many) <= 5 * (ratio * (1 - ratio) * many) ** 0.5


def test_the_caller_decides_where_it_has() -> None:
    never, always = Tracer(1e-18, Kept()), Tracer(1.0, Kept())
    assert never.begin(scope("01"), OPERATION) is not None
    assert always.begin(scope("00"), OPERATION) is None


def test_nothing_is_built_for_a_request_that_is_not_traced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("built")

    for what in ("Trace", "TracedClock", "Ids", "state_of"):
        monkeypatch.setattr(f"server.tracing.tracer.{what}", forbidden)
    assert Tracer(1e-18, Kept()).begin(scope(), OPERATION) is None
    assert Tracer(1.0, Kept()).begin(scope("00", "a=1"), OPERATION) is None
    assert StageClock().trace is None


def test_a_trace_goes_on_below_the_callers_span() -> None:
    clock = Tracer(0.5, Kept()).begin(scope("01", "vendor=1"), OPERATION)
    assert clock is not None
    trace = clock.trace
    assert trace.id == TRACE
    assert trace.ids.parent_id == int(SPAN, 16)
    assert trace.header == (b"traceresponse", f"00-{TRACE}-{trace.ids.span_id:016x}-01".encode())
    assert trace.onward == {
        "traceparent": f"00-{TRACE}-{trace.ids.inference_id:016x}-01", "tracestate": "vendor=1"
    }  # fmt: skip
    assert len({trace.ids.span_id, trace.ids.inference_id, trace.ids.parent_id}) == 3


def test_a_trace_that_begins_here_has_no_parent_and_its_own_id() -> None:
    tracer, traces = Tracer(1.0, Kept()), set[str]()
    for _ in range(50):
        clock = tracer.begin(scope(), OPERATION)
        assert clock is not None
        assert clock.trace.ids.parent_id == 0
        assert list(clock.trace.onward) == ["traceparent"]
        traces.add(clock.trace.id)
    assert len(traces) == 50
    assert all(len(each) == 32 for each in traces)


def test_stages_follow_one_another_and_add_up() -> None:
    kept = Kept()
    clock = Tracer(1.0, kept).begin(scope(), OPERATION)
    assert clock is not None
    for stage in STAGES:
        clock.mark(stage)
    clock.trace.answered(clock, 200, {})
    [finished] = kept.finished
    assert [stage for stage, _ in finished.marks] == list(STAGES)
    ends = [ended_ns for _, ended_ns in finished.marks]
    assert ends == sorted(ends)
    assert finished.ended_ns - finished.began_ns == clock.total_ns == sum(clock.spent_ns.values())
    assert finished.spans == 1 + len(STAGES)


def test_a_long_id_of_a_request_is_left_out_of_an_exemplar() -> None:
    clock = Tracer(1.0, Kept()).begin(scope("01"), OPERATION)
    assert clock is not None
    trace: Trace = clock.trace
    assert trace.exemplar_labels("r-1") == {"trace_id": TRACE, "request_id": "r-1"}
    fits = trace.exemplar_labels("r" * 78)
    assert sum(len(name) + len(value) for name, value in fits.items()) == 128
    assert trace.exemplar_labels("r" * 79) == {"trace_id": TRACE}
