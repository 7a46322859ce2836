"""A rollout followed until it ends."""

import asyncio
from collections.abc import Callable

from cache.errors import StoreUnavailable
from cache.rollout_board import RolloutBoard
from server.rollout.errors import ActRefused
from server.rollout.reading import Reading, read_board
from server.rollout.state import State


async def watch(
    board: RolloutBoard,
    show: Callable[[Reading], None],
    say_away: Callable[[StoreUnavailable], None],
    every_s: float = 1.0,
) -> State:
    """How it ended; at once where none runs. Redis may come and go meanwhile.
    Raises ActRefused, Corrupt."""
    while True:
        try:
            reading = await read_board(board)
        except StoreUnavailable as error:
            say_away(error)
        else:
            if reading.state.stage == "idle":
                raise ActRefused(f"nothing was ever rolled out for {board.model}: start a rollout")
            show(reading)
            if not reading.state.is_running:
                return reading.state
        await asyncio.sleep(every_s)
