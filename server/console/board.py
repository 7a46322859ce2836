"""Rollouts as the boards of Redis have them, for the console and /v1/rollouts alike."""

import asyncio
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from cache.errors import CacheError
from cache.rollout_board import RolloutBoard
from server.console.lookups import Lookups
from server.console.rollout_status import last_known, status_of
from server.console.snapshot import Trail
from server.console.trail import TrailKeeper
from server.errors import InvalidRequest, NotReady, RolloutRefused, RolloutUnavailable, UnknownModel
from server.rollout.acts import Asked, perform
from server.rollout.candidate import Candidate, find_candidate
from server.rollout.errors import ActRefused, PlanInvalid
from server.rollout.guardrails.verdict import Verdict
from server.rollout.history import Entry, read_history
from server.rollout.plan import DEFAULT, NAMED, RolloutPlan, plan_of
from server.rollout.reading import Reading, read_board
from server.rollout_wire import RolloutAct, RolloutStatus, Transition

POLL_S: Final = 5.0
"""Between two looks while nobody watches, so that trails have no gaps."""
PATIENCE_S: Final = 2.0
Boards = Mapping[str, RolloutBoard]


class BoardRollouts:
    """`boards` by model; it raises NotReady before they are known."""

    def __init__(self, boards: Callable[[], Boards], registry: str | None) -> None:
        self._boards = boards
        self._registry = registry
        self._lookups = Lookups("candidate")
        self._trails: dict[str, TrailKeeper] = {}
        self._last: dict[str, RolloutStatus] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            await asyncio.gather(*map(self._status, self._open_boards().values()))

    async def status(self) -> list[RolloutStatus]:
        return list(await asyncio.gather(*map(self._status, self._boards().values())))

    def trails(self) -> list[Trail]:
        return [kept.trail for kept in self._trails.values() if kept.trail is not None]

    async def history(self, model: str, count: int) -> list[Transition]:
        board = self._board(model)
        try:
            async with asyncio.timeout(PATIENCE_S):
                told = await board.history(count)
        except (CacheError, TimeoutError) as error:
            raise _unavailable(error) from error
        return await asyncio.to_thread(transitions_of, told)

    async def act(self, model: str, asked: RolloutAct, by: str) -> RolloutStatus:
        board = self._board(model)
        try:
            await perform(board, await self._asked(asked, by))
        except ActRefused as error:
            raise RolloutRefused(str(error), field="act", value=asked.act) from error
        except CacheError as error:
            raise _unavailable(error) from error
        return await self._status(board)

    async def _asked(self, asked: RolloutAct, by: str) -> Asked:
        """Raises RolloutRefused, RolloutUnavailable, InvalidRequest."""
        to = None if asked.to is None else await self._candidate(asked.to)
        plan, reason = await asyncio.to_thread(_plan, asked.plan), asked.reason or ""
        return Asked(asked.act, by, reason, to, plan, asked.all, asked.revision)

    async def _candidate(self, to: str) -> Candidate:
        try:
            return await self._lookups.run(lambda: find_candidate(to, self._registry))
        except ActRefused as error:
            raise RolloutRefused(str(error), field="to", value=to) from error
        except TimeoutError as error:
            raise RolloutUnavailable(
                f"the candidate cannot be looked up: {error}",
                field="to",
                value=to,
                remedy="see whether the store of UNDERSTUDY_REGISTRY is up, and try again",
                retry_after_s=5,
            ) from error

    def _open_boards(self) -> Boards:
        try:
            return self._boards()
        except NotReady:
            return {}

    def _board(self, model: str) -> RolloutBoard:
        boards = self._boards()
        if model not in boards:
            raise UnknownModel(
                "no model of that name can be rolled out here",
                field="model",
                value=model,
                remedy=f"name one of {', '.join(boards)}" if boards else "set UNDERSTUDY_REDIS_URL",
            )
        return boards[model]

    async def _status(self, board: RolloutBoard) -> RolloutStatus:
        try:
            async with asyncio.timeout(PATIENCE_S):
                reading = await read_board(board)
        except (CacheError, TimeoutError):
            return last_known(board.model, self._last.get(board.model))
        # It takes milliseconds, which requests need not wait for.
        verdict = await asyncio.to_thread(lambda: reading.verdict)
        self._keep(board.model, reading, verdict)
        status = self._last[board.model] = status_of(board.model, reading, verdict)
        return status

    def _keep(self, model: str, reading: Reading, verdict: Verdict | None) -> None:
        if verdict is not None:
            trail = self._trails.setdefault(model, TrailKeeper(model))
            trail.add(reading.state.tally, reading.held.now_ms, verdict)


def _plan(text: str | None) -> RolloutPlan:
    """Raises InvalidRequest."""
    if text is None:
        return DEFAULT
    if text in NAMED:
        return NAMED[text]
    try:
        return plan_of(tomllib.loads(text), "plan")
    except (tomllib.TOMLDecodeError, PlanInvalid, RecursionError) as error:
        raise InvalidRequest(
            str(error),
            field="plan",
            value=text,
            remedy=f"give {' or '.join(NAMED)}, or a plan in TOML as docs/rollouts.md has it",
        ) from error


def transitions_of(told: list[tuple[str, bytes]]) -> list[Transition]:
    read = [(name, read_history([(name, body)])) for name, body in told]
    return [_transition(name, entry) for name, entries in read for entry in entries]


def _transition(name: str, entry: Entry) -> Transition:
    return Transition(
        id=name,
        at_ms=entry.at_ms,
        rollout=entry.rollout,
        candidate=entry.candidate,
        from_stage=entry.from_stage,
        from_step=entry.from_step,
        to_stage=entry.to_stage,
        to_step=entry.to_step,
        share=entry.share,
        is_paused=entry.is_paused,
        by=entry.by,
        reason=entry.reason,
        verdict=_verdict(entry.figures),
    )


def _verdict(figures: dict[str, Any]) -> Verdict | None:
    """None where nothing was judged, or by another version's guardrails."""
    try:
        return msgspec.convert(figures, Verdict)
    except msgspec.ValidationError:
        return None


def _unavailable(error: Exception) -> RolloutUnavailable:
    return RolloutUnavailable(
        f"the state of rollouts cannot be had: {str(error) or 'Redis took too long'}",
        remedy="try again; gateways go on as they were told last",
        retry_after_s=1,
    )
