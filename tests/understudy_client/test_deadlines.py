import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.understudy_client.asked import Asked, FakeClock, Kind
from tests.understudy_client.scripted import (
    RANKING,
    ScriptedGateway,
    head,
    later,
    problem,
    ranked,
    silence,
    slowly,
)
from understudy_client.budget import Budget, TimeLeft
from understudy_client.client import Client
from understudy_client.errors import DeadlineExceeded, InvalidRequest

SOON_S = 5.0
"""Far more than any deadline here, far less than what the server would take."""


@contextmanager
def ends_soon() -> Iterator[None]:
    began_s = time.monotonic()
    yield
    assert time.monotonic() - began_s < SOON_S


def test_what_is_left_of_the_deadline_is_sent(scripted: ScriptedGateway, kind: Kind) -> None:
    clock = FakeClock(chance=0.0)
    scripted.answers(ranked(), problem(429, retry_after="2"), ranked())
    with Asked(kind, scripted.url, clock=clock, deadline_ms=4_000.0) as client:
        client.rank("u", ["item-1"])
        client.rank("u", ["item-1"], deadline_ms=10_000.0)
    sent = [heard.fields["deadline_ms"] for heard in scripted.heard]
    assert sent == pytest.approx([4_000.0, 10_000.0, 8_000.0])


def test_gateway_is_waited_for_until_the_grace_is_over(
    scripted: ScriptedGateway, kind: Kind
) -> None:
    scripted.answers(later(0.1, ranked()))
    with Asked(
        kind, scripted.url, clock=FakeClock(), deadline_ms=20.0, grace_ms=30_000.0
    ) as client:
        assert client.rank("u", ["item-1"]).item_ids == ("item-2", "item-1")


def test_silent_gateway_ends_the_call_past_the_grace(scripted: ScriptedGateway, kind: Kind) -> None:
    scripted.answers(silence)
    began_s = time.monotonic()
    options = {"clock": FakeClock(), "deadline_ms": 50.0, "grace_ms": 100.0}
    with Asked(kind, scripted.url, **options) as client, ends_soon():
        with pytest.raises(DeadlineExceeded, match="deadline_ms = 50: the call's 50 ms passed"):
            client.rank("u", ["item-1"])
        assert time.monotonic() - began_s >= 0.149


def test_body_that_trickles_in_ends_with_the_call(scripted: ScriptedGateway, kind: Kind) -> None:
    """Though no single byte is ever late."""

    body = msgspec.msgpack.encode(RANKING | {"model": "x" * 10_000})
    whole = head(200, len(body)) + body

    async def trickle(writer: object) -> None:
        writer.write(whole[:100])  # type: ignore[attr-defined]
        await slowly(whole[100:], 0.01)(writer)  # type: ignore[arg-type]

    scripted.answers(trickle)
    with (
        Asked(kind, scripted.url, deadline_ms=100.0) as client,
        ends_soon(),
        pytest.raises(DeadlineExceeded),
    ):
        client.rank("u", ["item-1"])


def test_headers_that_trickle_in_end_with_an_asyncio_call(scripted: ScriptedGateway) -> None:
    scripted.answers(slowly(head(200, 0, x_padding="x" * 10_000), 0.01))
    with (
        Asked("asyncio", scripted.url, deadline_ms=100.0) as client,
        ends_soon(),
        pytest.raises(DeadlineExceeded),
    ):
        client.rank("u", ["item-1"])


def test_answer_that_comes_late_is_not_taken_for_the_next(
    scripted: ScriptedGateway, kind: Kind
) -> None:
    scripted.answers(later(1.0, ranked(request_id="late")), ranked(request_id="next"))
    options = {"clock": FakeClock(), "deadline_ms": 30_000.0, "grace_ms": 1.0}
    with Asked(kind, scripted.url, **options) as client:
        with pytest.raises(DeadlineExceeded):
            client.rank("u", ["item-1"], deadline_ms=300.0)
        assert client.rank("u", ["item-1"]).request_id == "next"


@pytest.mark.parametrize("deadline_ms", [0.0, -1.0, 60_001.0, math.nan, math.inf])
def test_deadline_that_is_none_is_refused_unsent(
    scripted: ScriptedGateway, deadline_ms: float
) -> None:
    with Client(scripted.url) as client, pytest.raises(InvalidRequest) as refused:
        client.rank("u", ["item-1"], deadline_ms=deadline_ms)
    assert refused.value.field == "deadline_ms"
    assert refused.value.remedy
    assert scripted.heard == []


def test_nothing_is_sent_past_the_deadline() -> None:
    clock = FakeClock()
    budget = Budget(100.0, 50.0, clock)
    clock.sleep(0.1)
    with pytest.raises(DeadlineExceeded):
        _ = budget.left_ms


@given(
    deadline_ms=st.floats(1.0, 60_000.0),
    grace_ms=st.floats(0.0, 1_000.0),
    waits_s=st.lists(st.floats(0.0, 30.0), max_size=8),
)
def test_timeouts_shrink_with_the_time_and_are_never_none(
    deadline_ms: float, grace_ms: float, waits_s: list[float]
) -> None:
    clock = FakeClock()
    left = TimeLeft(Budget(deadline_ms, grace_ms, clock))
    for wait_s in waits_s:
        clock.sleep(wait_s)
        expected_s = (deadline_ms + grace_ms) / 1000.0 - sum(clock.slept_s)
        for phase in left:
            assert left[phase] == pytest.approx(max(expected_s, 0.001), abs=1e-6)
