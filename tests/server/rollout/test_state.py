from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.errors import Corrupt
from server.rollout.plan import RolloutPlan
from server.rollout.state import MAX_BYTES, State
from server.rollout.transitions import MAX_REASON, rolled_back
from tests.server.rollout.states import BEGUN, CANARY

PLAN = RolloutPlan(steps=(0.1, 0.2, 1.0), least_s=(0.0, 1.0, 2.0))


@given(
    st.builds(
        State,
        stable=st.text(max_size=50),
        candidate=st.text(max_size=50),
        stage=st.sampled_from(["idle", "verifying", "done", "rolled_back"]),
        is_paused=st.booleans(),
        plan=st.sampled_from([RolloutPlan(), PLAN]),
        reason=st.text(max_size=200),
        keep_until_ms=st.integers(0, 1 << 52),
    )
)
def test_state_comes_back_as_it_was_written(state: State) -> None:
    assert State.decode(state.encode()) == state


def test_where_nothing_was_written_nothing_runs() -> None:
    assert State.decode(None) == State()
    assert not State().is_running
    assert State().share == 0.0


def test_share_is_of_the_canary_alone_and_sums_are_named_by_step() -> None:
    assert [CANARY.replace(step=step, plan=PLAN).share for step in range(3)] == [0.1, 0.2, 1.0]
    assert BEGUN.share == 0.0
    assert CANARY.replace(step=2).tally == "r-canary-2"


def test_last_step_of_several_looks_back_at_the_one_before() -> None:
    steps = [CANARY.replace(step=step, plan=PLAN) for step in range(3)]
    assert [each.tally_before for each in steps] == [None, None, "r-canary-1"]
    assert CANARY.replace(plan=RolloutPlan(steps=(1.0,))).tally_before is None
    assert BEGUN.tally_before is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"stage": "flying"}',
        b'{"stage": "canary", "step": 5}',
        b'{"stage": "shadowing", "step": 2}',
        b'{"stage": "verifying", "step": -1}',
        b'{"plan": {"steps": [2.0]}}',
        b'{"plan": 3}',
        b'{"stable": "' + b"x" * MAX_BYTES + b'"}',
    ],
)
def test_garbage_is_named_with_its_remedy_and_not_guessed_at(body: bytes) -> None:
    with pytest.raises(Corrupt, match="delete the key us:rollout:") as raised:
        State.decode(body)
    assert "https://" not in str(raised.value)


def test_longest_state_is_within_its_bound() -> None:
    steps = tuple((at + 1) / 20 for at in range(20))
    plan = RolloutPlan(steps=steps, least_s=steps)
    state = BEGUN.replace(candidate="/" * 4096, stable="/" * 4096, previous="/" * 4096, plan=plan)
    told = rolled_back(state, "someone@somewhere", "\0" * 100_000)
    assert len(told.reason) == MAX_REASON
    assert len(told.encode()) < MAX_BYTES
    assert State.decode(told.encode()) == told


def test_state_that_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(ValueError, match=f"more than {MAX_BYTES}"):
        BEGUN.replace(candidate="/" * MAX_BYTES).encode()


def test_field_of_a_later_version_is_passed_over() -> None:
    body: dict[str, Any] = msgspec.json.decode(CANARY.encode())
    assert State.decode(msgspec.json.encode(body | {"colour": "red"})) == CANARY
