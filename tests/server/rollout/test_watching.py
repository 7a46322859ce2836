import asyncio

import pytest

from cache.errors import StoreUnavailable
from cache.rollout_board import RolloutBoard
from server.rollout.errors import ActRefused
from server.rollout.reading import Reading
from server.rollout.watching import watch
from tests.server.rollout.gateways import START
from tests.server.rollout.states import CANARY, put

pytestmark = pytest.mark.redis


async def test_rollout_is_shown_until_it_ends_though_the_server_comes_and_goes(
    board: RolloutBoard,
) -> None:
    class Lossy(RolloutBoard):
        fails = iter([False, True, True])

        async def fleet(self) -> dict[str, bytes]:
            if next(self.fails, False):
                raise StoreUnavailable("away")
            return await super().fleet()

    shown: list[str] = []
    away: list[str] = []
    after = iter([CANARY, CANARY.replace(stage="rolled_back")])
    changes: list[asyncio.Task[int]] = []

    def show(reading: Reading) -> None:
        shown.append(reading.state.stage)
        if (state := next(after, None)) is not None:
            changes.append(asyncio.create_task(put(board, state)))

    await put(board, START)
    lossy = Lossy(board._client, "student")
    ended = await watch(lossy, show, lambda error: away.append(str(error)), every_s=0.01)
    assert ended.stage == "rolled_back"
    assert (shown[0], shown[-1], "canary" in shown) == ("verifying", "rolled_back", True)
    assert away == ["away", "away"]


async def test_nothing_that_ever_ran_is_nothing_to_watch(board: RolloutBoard) -> None:
    with pytest.raises(ActRefused, match="start a rollout"):
        await watch(board, lambda reading: None, lambda error: None)
