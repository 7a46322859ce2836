"""With all traffic the candidate is held against what the stable lane did in the step before."""

from typing import Any, Final

import numpy as np
import pytest

from cache.rollout_board import RolloutBoard
from server.rollout.controller import Controller
from server.rollout.guardrails.layout import TOTAL
from server.rollout.guardrails.sums import Sums
from server.rollout.plan import RolloutPlan
from server.rollout.reading import read_board
from server.rollout.state import State
from tests.server.rollout.gateways import tell
from tests.server.rollout.guardrails.counted import counted, latencies
from tests.server.rollout.states import CANARY, put

pytestmark = pytest.mark.redis
LAST: Final = CANARY.replace(step=len(CANARY.plan.steps) - 1)
BEFORE: Final = LAST.replace(step=LAST.step - 1)
SUMS_BEFORE: Final = f"us:rollout:{{student}}:sums:{BEFORE.tally}"


def late(share: float, requests: int = 20_000) -> Sums:
    """That share of the answers past the budget."""
    sums = counted(requests)
    slow = round(share * requests)
    seconds = np.repeat([5e-3, 0.15], [requests - slow, slow])
    sums.many(TOTAL)[...] = latencies(seconds)
    return sums


async def at_the_last_step(
    board: RolloutBoard, stable: Sums, canary: Sums, last: State = LAST
) -> None:
    """Those of the canary are its own in both steps; of the stable lane there is nothing more."""
    await put(board, BEFORE)
    await tell(board, {"stable": stable.encode(), "canary": canary.encode()})
    await put(board, last)
    await tell(board, {"stable": Sums().encode(), "canary": canary.encode()})


async def test_candidate_that_does_as_the_stable_lane_did_stays(board: RolloutBoard) -> None:
    await at_the_last_step(board, late(0.03), late(0.03))
    assert await Controller(board, "one").step() is None
    reading = await read_board(board)
    assert reading.verdict is not None
    told = reading.verdict.figures["late_limit"]
    assert told.canary == told.stable == pytest.approx(0.03)


async def test_candidate_that_does_worse_than_the_stable_lane_did_is_rolled_back(
    board: RolloutBoard,
) -> None:
    await at_the_last_step(board, late(0.03), late(0.07))
    after = await Controller(board, "one").step()
    assert after is not None
    assert after.stage == "rolled_back"
    assert after.reason.startswith("late_limit: canary 0.07, stable 0.03, tolerated 0.02")


async def test_candidate_is_held_against_the_same_whoever_decides_and_when_it_goes_on(
    board: RolloutBoard,
) -> None:
    await at_the_last_step(board, late(0.03), late(0.03), LAST.replace(is_paused=True))
    for name in ("one", "two"):
        controller = Controller(board, name, lease_ms=60_000)
        assert await controller.step() is None
        await board.resign(name.encode())
    await put(board, LAST)
    assert await Controller(board, "three").step() is None


async def test_what_the_stable_lane_did_is_kept_as_long_as_the_last_step_lasts(
    board: RolloutBoard, client: Any
) -> None:
    await at_the_last_step(board, late(0.03), late(0.03))
    await client.pexpire(SUMS_BEFORE, 60_000)
    await Controller(board, "one").step()
    assert await client.pttl(SUMS_BEFORE) > 80_000_000


async def test_limits_act_by_themselves_where_the_step_before_is_gone(
    board: RolloutBoard, client: Any
) -> None:
    await at_the_last_step(board, late(0.03), late(0.03))
    await client.delete(SUMS_BEFORE)
    after = await Controller(board, "one").step()
    assert after is not None
    assert after.reason.startswith("late_limit: canary 0.03, stable 0, tolerated 0.02")


async def test_few_answers_of_the_stable_lane_excuse_nothing(board: RolloutBoard) -> None:
    await at_the_last_step(board, late(0.03, requests=199), late(0.03))
    after = await Controller(board, "one").step()
    assert after is not None
    assert after.reason.startswith("late_limit: canary 0.03, stable 0,")


async def test_limits_act_by_themselves_where_there_is_one_step(board: RolloutBoard) -> None:
    only = CANARY.replace(plan=RolloutPlan(steps=(1.0,)))
    await put(board, only)
    await tell(board, {"canary": late(0.03).encode()})
    after = await Controller(board, "one").step()
    assert after is not None
    assert after.stage == "rolled_back"
