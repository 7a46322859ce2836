"""Who is compared with the canary's users."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features.hashing import key64
from server.rollout.evidence.control import ALL, LEAST, Control

USERS = [f"user-{number}" for number in range(20_000)]


def is_canary(user_id: str, salt: str, share: float) -> bool:
    return key64(salt + user_id) < round(share * ALL)


@given(st.floats(0.001, 1.0), st.text(max_size=20), st.lists(st.text(max_size=12), max_size=20))
def test_no_user_is_of_both_lanes_and_a_user_stays(
    share: float, salt: str, users: list[str]
) -> None:
    control, again = Control(salt, share), Control(salt, share)
    for user in users:
        assert not (control.holds(user) and is_canary(user, salt, share))
        assert control.holds(user) == again.holds(user)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_control_group_is_as_large_as_the_canary(share: float) -> None:
    control = Control("salt", share)
    ours = sum(is_canary(user, "salt", share) for user in USERS)
    theirs = sum(map(control.holds, USERS))
    assert ours == pytest.approx(share * len(USERS), rel=0.06)
    assert theirs == pytest.approx(share * len(USERS), rel=0.06)


@pytest.mark.parametrize(("share", "size"), [(0.01, LEAST), (0.75, 0.25), (1.0, 0.0)])
def test_small_canary_is_compared_with_more_and_a_large_one_with_the_rest(
    share: float, size: float
) -> None:
    held = sum(map(Control("salt", share).holds, USERS))
    assert held == pytest.approx(size * len(USERS), rel=0.06)


def test_another_rollout_draws_another_group() -> None:
    one, other = Control("one", 0.1), Control("other", 0.1)
    both = sum(one.holds(user) and other.holds(user) for user in USERS)
    assert both == pytest.approx(0.01 * len(USERS), rel=0.3)
