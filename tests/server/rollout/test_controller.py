"""One controller on a real server."""

import asyncio
import logging
from typing import Any

import pytest

from cache.ending import end
from cache.errors import Corrupt, StoreUnavailable
from cache.rollout_board import RolloutBoard
from server.rollout.controller import Controller
from server.rollout.state import State
from tests.server.rollout.gateways import (
    GOOD,
    JUDGED,
    LEADER,
    QUICK,
    START,
    WHOLE,
    check_recorded_once,
    entries,
    state_of,
    tell,
)
from tests.server.rollout.guardrails.counted import counted
from tests.server.rollout.states import CANARY, put

pytestmark = pytest.mark.redis


async def test_good_candidate_goes_all_the_way_with_one_entry_a_change(
    board: RolloutBoard,
) -> None:
    await put(board, START.replace(plan=JUDGED))
    controller = Controller(board, "one")
    while (await state_of(board)).is_running:
        await tell(board, GOOD)
        assert await controller.step() == await state_of(board)
    assert await check_recorded_once(board) == WHOLE
    done = await state_of(board)
    assert (done.stable, done.previous, done.by) == ("/b", "/a", "controller")
    assert [each.share for each in await entries(board)] == [0.0, 0.0, 0.1, 0.5, 1.0, 0.0]


async def test_bad_candidate_is_rolled_back_with_figures_in_the_history(
    board: RolloutBoard,
) -> None:
    await put(board, CANARY.replace(plan=JUDGED))
    await tell(board, GOOD | {"canary": counted(requests=20_000, slower=2.0).encode()})
    after = await Controller(board, "one").step()
    assert after is not None
    assert (after.stage, after.stable) == ("rolled_back", "/a")
    last = (await entries(board))[-1]
    assert last.figures["by"] == "total_p50"
    assert last.figures["figures"]["total_p50"]["harm"] == pytest.approx(1.0, abs=0.2)
    assert last.reason.startswith("total_p50: canary 0.0")


async def test_sums_of_another_step_decide_nothing(board: RolloutBoard) -> None:
    await put(board, CANARY.replace(plan=JUDGED))
    await tell(board, GOOD)
    await put(board, CANARY.replace(plan=JUDGED, step=1))
    await tell(board)
    assert await Controller(board, "one").step() is None


@pytest.mark.parametrize("state", [State(), START.replace(stage="done")])
async def test_where_nothing_runs_nothing_is_written(board: RolloutBoard, state: State) -> None:
    await put(board, state)
    await tell(board, GOOD)
    assert await Controller(board, "one").step() is None
    assert (await board.read()).revision == 1


async def test_one_that_does_not_hold_the_lease_decides_nothing(
    board: RolloutBoard, client: Any
) -> None:
    await put(board, START)
    await tell(board)
    await client.set(LEADER, "another", px=60_000)
    assert await Controller(board, "one").step() is None
    assert await state_of(board) == START
    await client.delete(LEADER)
    assert await Controller(board, "one").step() is not None


async def test_lease_that_is_lost_in_mid_decision_leaves_the_state_alone(
    board: RolloutBoard, client: Any
) -> None:
    class Frozen(RolloutBoard):
        async def replace(self, *args: Any, **named: Any) -> bool:
            """Long enough for its lease to end and another to have it."""
            await client.set(LEADER, "another", px=60_000)
            return await super().replace(*args, **named)

    await put(board, START)
    await tell(board)
    assert await Controller(Frozen(client, "student"), "one").step() is None
    assert await state_of(board) == START
    assert len(await entries(board)) == 1


async def test_nothing_is_decided_by_a_state_that_redis_has_lost_since(
    board: RolloutBoard,
) -> None:
    known = 2
    await put(board, START)
    await tell(board)
    controller = Controller(board, "one", known=lambda: known)
    assert await controller.step() is None
    known = 1
    assert await controller.step() is not None


async def test_gateways_of_an_hour_ago_are_forgotten(board: RolloutBoard) -> None:
    await put(board, START.replace(stage="done"))
    held = await board.read()
    await tell(board)
    await board.present("old", b'{"seen_ms": %d}' % (held.now_ms - 3_600_001), {}, "t")
    await Controller(board, "one").step()
    assert set(await board.fleet()) == {"g"}


async def test_state_that_cannot_be_read_is_left_for_a_person(
    board: RolloutBoard, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await board.replace(0, b"garbage", b"{}")
    controller = Controller(board, "one")
    with pytest.raises(Corrupt, match="delete the key us:rollout:"):
        await controller.step()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await controller._step_leniently()
    assert caplog.text.count("delete the key") == 1
    await client.delete("us:rollout:{student}")
    await put(board, START)
    await tell(board)
    await controller._step_leniently()
    assert (await state_of(board)).stage == "shadowing"


async def test_server_that_is_away_is_noted_once_and_the_rollout_goes_on_later(
    board: RolloutBoard, caplog: pytest.LogCaptureFixture
) -> None:
    class Lossy(RolloutBoard):
        is_away = False

        async def lead(self, token: bytes, for_ms: int) -> bool:
            if self.is_away:
                raise StoreUnavailable("away")
            return await super().lead(token, for_ms)

    lossy = Lossy(board._client, "student")
    controller = Controller(lossy, "one")
    await put(board, START)
    await tell(board)
    with caplog.at_level(logging.WARNING):
        for is_away in (True, True, True, False, True, True):
            lossy.is_away = is_away
            await controller._step_leniently()
    assert caplog.text.count("stays as it is: away") == 2
    assert (await state_of(board)).stage == "shadowing"


async def test_controller_that_ends_gives_its_lease_back(
    board: RolloutBoard, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.rollout.controller.EVERY_S", 0.001)
    await put(board, START.replace(plan=QUICK))
    running = asyncio.create_task(Controller(board, "one").run())
    while (await state_of(board)).is_running:
        await tell(board)
    assert await client.get(LEADER) == b"one"
    await end([running])
    assert running.cancelled()
    assert await client.get(LEADER) is None
    assert await check_recorded_once(board) == WHOLE
