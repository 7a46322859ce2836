from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.understudy_client.asked import Asked, FakeClock, Kind
from tests.understudy_client.scripted import ScriptedGateway, hang_up, problem, ranked
from understudy_client.budget import Budget
from understudy_client.errors import Fault, Shed, Unavailable, UnderstudyError, Unreachable
from understudy_client.retries import SPREAD, Retries


def test_shed_call_waits_as_told_and_is_sent_again(scripted: ScriptedGateway, kind: Kind) -> None:
    clock = FakeClock(chance=0.5)
    scripted.answers(problem(429, retry_after="2"), ranked())
    with Asked(kind, scripted.url, clock=clock, deadline_ms=30_000.0) as client:
        assert client.rank("u", ["item-1"]).request_id == "r-1"
    assert clock.slept_s == [2.0 + 0.5 * SPREAD * 2.0]
    assert scripted.connections == 1


def test_shed_call_ends_at_once_when_the_wait_would_outlast_it(
    scripted: ScriptedGateway, kind: Kind
) -> None:
    clock = FakeClock()
    scripted.answers(problem(429, "behind 900 in work", retry_after="1"))
    with Asked(kind, scripted.url, clock=clock, deadline_ms=1_000.0) as client:
        with pytest.raises(Shed, match="behind 900 in work") as shed:
            client.rank("u", ["item-1"])
        assert shed.value.retry_after_s == 1.0
    assert clock.slept_s == []
    assert len(scripted.heard) == 1


@pytest.mark.parametrize("retry_after", [None, "soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_shed_call_is_not_sent_again_without_a_time(
    scripted: ScriptedGateway, retry_after: str | None
) -> None:
    scripted.answers(problem(429, retry_after=retry_after))
    with (
        Asked("blocking", scripted.url, clock=FakeClock(), deadline_ms=30_000.0) as client,
        pytest.raises(Shed),
    ):
        client.rank("u", ["item-1"])
    assert len(scripted.heard) == 1


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_call_is_sent_again_so_often_and_no_more(
    scripted: ScriptedGateway, kind: Kind, retries: int
) -> None:
    scripted.answers(*[problem(429, retry_after="1")] * 4)
    options = {"clock": FakeClock(), "deadline_ms": 30_000.0, "retries": retries}
    with Asked(kind, scripted.url, **options) as client, pytest.raises(Shed):
        client.rank("u", ["item-1"])
    assert len(scripted.heard) == 1 + retries


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        (problem(500, retry_after="1"), Fault),
        (problem(503, retry_after="1"), Unavailable),
        (hang_up, Unreachable),
    ],
)
def test_other_failures_are_not_sent_again(
    scripted: ScriptedGateway, kind: Kind, said: object, raised: type[UnderstudyError]
) -> None:
    scripted.script.append(said)  # type: ignore[arg-type]
    scripted.answers(ranked())
    with (
        Asked(kind, scripted.url, clock=FakeClock(), deadline_ms=30_000.0) as client,
        pytest.raises(raised),
    ):
        client.rank("u", ["item-1"])
    assert len(scripted.heard) == 1


@given(
    deadline_s=st.floats(0.01, 60.0),
    retry_after_s=st.integers(0, 70),
    chance=st.floats(0.0, 1.0, exclude_max=True),
    most=st.integers(0, 5),
)
def test_waits_never_undercut_retry_after_nor_reach_the_deadline(
    deadline_s: float, retry_after_s: int, chance: float, most: int
) -> None:
    clock = FakeClock(chance)
    budget = Budget(deadline_s * 1000.0, 0.0, clock)
    retries = Retries(most, budget, clock)
    shed = Shed("no", retry_after_s=float(retry_after_s))
    ends_s = clock.time_s + deadline_s
    waited_s = list(_waits(retries, shed, clock))
    assert len(waited_s) <= most
    assert clock.time_s < ends_s
    for wait_s in waited_s:
        assert retry_after_s <= wait_s <= retry_after_s * (1.0 + SPREAD) + 1e-9


def _waits(retries: Retries, shed: Shed, clock: FakeClock) -> Iterator[float]:
    """Of a gateway that sheds and sheds."""
    while True:
        try:
            wait_s = retries.wait_s(shed)
        except Shed:
            return
        clock.sleep(wait_s)
        yield wait_s
