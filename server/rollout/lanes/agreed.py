"""What the gateways of a model agree on, as this process followed it last."""

from typing import Final

from cache.rollout_board import Held, RolloutBoard
from server.rollout.decision import BY
from server.rollout.history import Entry
from server.rollout.lanes.errors import StateLost
from server.rollout.state import State

NOTHING: Final = Held(0, 0, 0, None)


class Agreed:
    """A server that comes back empty, or with what it held some time ago, is told what it lost:
    nobody goes back to an earlier student because of it."""

    def __init__(self, board: RolloutBoard, gateway: str) -> None:
        self._board = board
        self._gateway = gateway
        self._held = NOTHING
        self.state = State()

    @property
    def revision(self) -> int:
        return self._held.revision

    async def read(self) -> tuple[Held, State]:
        """Raises StateLost, which it has written back by then, and StoreUnavailable, Corrupt."""
        held = await self._board.read()
        state = State.decode(held.body)
        if self._is_lost(held, state):
            await self._write_back(held, state)
        self._held, self.state = held, state
        return held, state

    def _is_lost(self, held: Held, state: State) -> bool:
        """Whoever acts by hand on an earlier state means it."""
        if held.revision >= self.revision or state.rollout > self.state.rollout:
            return False
        return held.since_ms <= self._held.since_ms or state.by == BY

    async def _write_back(self, held: Held, state: State) -> None:
        why = f"Redis came back with revision {held.revision}, and {self.revision} was agreed on"
        told = self.state.replace(by=self._gateway, reason=f"written back: {why}")
        entry = Entry.of(state, told, held.now_ms, {})
        await self._board.restore(held.revision, self._held, entry.encode())
        raise StateLost(f"{why}: it is written back; keep Redis' data when it ends")
