"""What a gateway has of one model, without a socket, on a real board."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cache.breaker import CircuitBreaker
from cache.memory_store import MemoryStore
from cache.rollout_board import RolloutBoard
from models.manifest import read_manifest
from server.cache_links import CacheLinks
from server.metrics import Metrics
from server.open_lane import Source
from server.open_lanes import OpenLanes
from server.rollout.lanes.follower import Follower
from server.rollout.lanes.routing import Routing
from server.rollout.lanes.trial_wire import Verdict
from server.rollout.plan import RolloutPlan
from server.rollout.presence import Presence, read_fleet
from server.rollout.state import State
from tests.bundles import linear_student, linear_teacher, tiny_catalogue
from tests.server.live import settings_for

NEXT_SPACE = "0ddba110ddba1100"
NAME = "here-1-ab"


async def passed(*asked: Any) -> Verdict:
    """In place of a trial, which has tests of its own and takes seconds."""
    return Verdict()


def serving_of(folder: Path, seed: int = 21, space: str = NEXT_SPACE) -> Path:
    """A serving folder of another student, and of the teacher whose space it reads."""
    folder.mkdir(exist_ok=True)
    student = linear_student(folder, space=space, seed=seed)
    teacher = linear_teacher(folder, space=space, seed=seed + 1)
    names = {"student": student.name, "teacher": teacher.name}
    (folder / "serving.json").write_text(json.dumps(names))
    tiny_catalogue().save(folder / "catalogue.safetensors")
    return folder


class Process:
    def __init__(self, first: Path, board: RolloutBoard, **settings: Any) -> None:
        given = settings_for(first, **settings)
        links = CacheLinks(given, MemoryStore(), CircuitBreaker(), None, None)
        manifest, _ = read_manifest(first)
        self.metrics = Metrics()
        self.lanes = OpenLanes(Source(first), manifest, links, self.metrics, lambda what: None)
        self.board = board
        self.published: list[Routing] = []
        publish: Callable[[Routing], None] = self.published.append
        self.follower = Follower(board, self.lanes, self.metrics, NAME, publish)

    @property
    def routing(self) -> Routing:
        return self.published[-1]

    @property
    def space(self) -> str | None:
        return self.routing.stable.manifest.reads_space

    @property
    def attempted(self) -> str:
        attempt = self.follower._attempt
        return "" if attempt is None else attempt.state

    async def agree(self, state: State) -> None:
        """As a controller, or a person, would write it."""
        held = await self.board.read()
        assert await self.board.replace(held.revision, state.encode(), b"{}")

    async def follows(self, state: State) -> None:
        """At the next look."""
        await self.agree(state)
        await self.follower.step()

    async def steps_until(self, is_true: Callable[[], Any]) -> None:
        """As it goes by itself."""
        async with asyncio.timeout(60.0):
            while not is_true():
                await self.follower.step()
                await asyncio.sleep(0.01)

    def over(self, board: RolloutBoard) -> None:
        """From now on it looks at this one."""
        self.follower._board = self.follower._agreed._board = board

    async def told(self) -> Presence:
        return read_fleet(await self.board.fleet())[NAME]

    async def close(self) -> None:
        await self.follower.close()
        await self.lanes.close()

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def rolled(where: Path | str, **fields: Any) -> State:
    plan = RolloutPlan(steps=(0.5, 1.0), least_s=0.0, slowdown=50.0)
    return State(candidate=str(where), rollout="r1", plan=plan, by="x@y", **fields)


async def warmed(process: Process, where: Path) -> None:
    await process.agree(rolled(where, stage="verifying"))
    await process.steps_until(lambda: process.attempted == "warm")
    await process.follower.step()
