"""Which lane answers whom: sticky, growing with the share, and of another rollout another draw."""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.caller import HungUp
from server.errors import (
    DeadlineExceeded,
    InvalidRequest,
    Overloaded,
    QuotaExceeded,
    Unauthorized,
)
from server.open_lane import OpenLane
from server.rollout.lanes.routing import ALL, FORCED, TOKEN, Routing, forced_lane
from tests.server.conftest import Served
from tests.server.lanes import open_lane

USERS = 100_000
SHARES = st.floats(0.0, 1.0)


class Opened:
    def __init__(self, lane: Any) -> None:
        self.lane = lane


class Named:
    def __init__(self, name: str) -> None:
        self.name = name


STABLE, CANARY = (cast("OpenLane", Opened(Named(name))) for name in ("stable", "canary"))


def routing(share: float, salt: str = "r1", **parts: Any) -> Routing:
    return Routing(STABLE, CANARY, round(share * ALL), salt, **parts)


def is_canary(share: float, user: str, salt: str = "r1") -> bool:
    return routing(share, salt).choose(user) is CANARY.lane


@given(st.text(max_size=20), st.text(max_size=20), SHARES, SHARES)
def test_user_of_the_canary_stays_in_it_as_it_grows(
    user: str, salt: str, one: float, other: float
) -> None:
    small, large = sorted((one, other))
    assert is_canary(large, user, salt) or not is_canary(small, user, salt)


@given(st.text(max_size=20))
def test_nobody_is_in_a_canary_of_no_share_and_all_are_in_a_whole_one(user: str) -> None:
    assert not is_canary(0.0, user)
    assert is_canary(1.0, user)


def _chosen(share: float, salt: str) -> Any:
    choose = routing(share, salt).choose
    return np.array([choose(f"user-{number}") is CANARY.lane for number in range(USERS)])


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25, 0.5])
def test_share_of_users_is_that_of_the_plan(share: float) -> None:
    assert abs(_chosen(share, "r1").mean() - share) < 0.01
    assert abs(_chosen(share, "r1").mean() / share - 1.0) < 0.15


def test_two_rollouts_draw_independently() -> None:
    one, other = _chosen(0.25, "r1"), _chosen(0.25, "r2")
    assert abs((one & other).mean() - 0.25**2) < 0.01
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_user_of_no_rollout_is_the_stable_lanes() -> None:
    assert Routing(STABLE).choose("u") is STABLE.lane


def test_lane_that_is_named_is_alone_and_not_counted() -> None:
    only = routing(0.1, witness=cast("Any", object())).only("canary")
    assert only == Routing(CANARY)


def test_lane_that_is_not_there_is_no_lane() -> None:
    with pytest.raises(InvalidRequest, match=r"the lanes here are stable$") as refused:
        Routing(STABLE).only("canary")
    assert refused.value.value == "canary"


def test_lane_is_named_with_the_token_alone() -> None:
    named = (FORCED, b"canary")
    assert forced_lane([(b"host", b"here")], b"secret") is None
    assert forced_lane([named, (TOKEN, b"secret")], b"secret") == "canary"
    for headers in ([named], [named, (TOKEN, b"")], [named, (TOKEN, b"secrets")]):
        with pytest.raises(Unauthorized):
            forced_lane(headers, b"secret")


class Witness:
    def __init__(self) -> None:
        self.failures: list[tuple[str, str]] = []

    def failed(self, lane: str, user_id: str) -> None:
        self.failures.append((lane, user_id))


def test_refusal_is_no_fault_of_a_lane_unless_it_had_no_time_for_the_request() -> None:
    witness = Witness()
    routed = routing(0.5, witness=cast("Any", witness))
    for error in (QuotaExceeded("much"), InvalidRequest("bad"), HungUp()):
        routed.failed(CANARY.lane, "u", error)
    assert witness.failures == []
    routed.failed(CANARY.lane, "late", DeadlineExceeded("late"))
    routed.failed(CANARY.lane, "shed", Overloaded("busy"))
    routed.failed(STABLE.lane, "fault", ZeroDivisionError())
    assert witness.failures == [("canary", "late"), ("canary", "shed"), ("stable", "fault")]


def test_lane_of_another_name_shares_all_but_what_bears_it(served: Served) -> None:
    from server.metrics import Metrics
    from tests.server.live import settings_for

    lane = open_lane(served.student)
    named = lane.named("canary", settings_for(served.student), Metrics())
    assert (lane.name, named.name) == ("stable", "canary")
    assert named.ranker is lane.ranker
    assert named.in_hand is lane.in_hand
    assert named.feedback.lately is lane.feedback.lately
    lane.batcher.close()
