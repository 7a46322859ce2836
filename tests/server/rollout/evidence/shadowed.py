"""A lane that answers, and another student behind its back."""

import asyncio
import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cache.breaker import CircuitBreaker
from cache.memory_store import MemoryStore
from cache.reader import CacheReader
from models.features.records import Arrays
from server.inference import Headers, Ran
from server.lane import Lane
from server.ranked import Ranked
from server.rollout.evidence.shadow import Shadow
from server.rollout.evidence.witness import Witness
from server.rollout.guardrails.layout import COMPARED, REQUESTS
from tests.bundles import SPACE, linear_student, tiny_catalogue
from tests.server.conftest import Served
from tests.server.kept import Keeping, body_of, loaded_lane
from tests.server.rollout.evidence.told import state_of, sums_of


class Blocked:
    """A ranker whose model takes as long as one likes."""

    def __init__(self, ranker: Any) -> None:
        self._ranker = ranker
        self.has_begun, self.may_go_on = threading.Event(), threading.Event()

    def judge_alone(self, *given: Any) -> Any:
        self.has_begun.set()
        assert self.may_go_on.wait(20.0)
        return self._ranker.judge_alone(*given)


class Raising:
    def judge_alone(self, *given: Any) -> Any:
        raise ZeroDivisionError("a student's own")


class Giving:
    """A model of one answer for all candidates."""

    is_remote = False

    def __init__(self, logit: float) -> None:
        self._logit = logit

    def run(self, arrays: Arrays, until_ns: int, headers: Headers = None) -> Ran:
        count = len(arrays["request_index"])
        return Ran(np.full((count, 2), self._logit, np.float32), None)


class Failing:
    is_remote = False

    def run(self, arrays: Arrays, until_ns: int, headers: Headers = None) -> Ran:
        raise RuntimeError("no session")


class Pairing:
    """`space` of the candidate, whose cache is `store`."""

    def __init__(self, stable: Lane, candidate: Lane, stage: str, **plan: Any) -> None:
        self.stable, self.candidate = stable, candidate
        self.store = MemoryStore()
        self.breaker = CircuitBreaker(failures=1)
        told = state_of(stage, **({"shadow_share": 1.0, "top_k": 5} | plan))
        self.witness = Witness(told, "click")
        space = candidate.model.manifest.reads_space
        self.reader = CacheReader(self.store, space, 1000.0, self.breaker)
        self.shadow = Shadow(self.witness, candidate, stable, self.reader)
        self._answers = Keeping(stable)

    async def answer(self, *numbers: int) -> list[Ranked]:
        answered = await self._answers.answer(*(body_of(number) for number in numbers))
        for each in answered:
            self.shadow.offer(each.ranked, "")
        return [each.ranked for each in answered]

    async def run_until(self, is_done: Callable[[], bool]) -> None:
        running = asyncio.create_task(self.shadow.run())
        async with asyncio.timeout(20.0):
            while not is_done():
                await asyncio.sleep(0.001)
                assert not running.done()
        running.cancel()
        await asyncio.wait([running])

    async def shadow_all(self, count: int) -> None:
        await self.run_until(lambda: self.seen >= count)

    @property
    def seen(self) -> int:
        return sum(self.witness.counts().values())

    def pairs(self) -> list[float]:
        """Requests counted of either lane, then those that were compared."""
        stable, canary = (sums_of(self.witness, lane) for lane in ("stable", "canary"))
        return [float(stable.one(REQUESTS)), *map(float, map(canary.one, (REQUESTS, COMPARED)))]

    def close(self) -> None:
        for lane in (self.stable, self.candidate):
            lane.batcher.close()


async def pairing(
    served: Served,
    folder: Path,
    stage: str = "shadowing",
    *,
    seed: int = 9,
    space: str = SPACE,
    backend: Any = None,
    ranker: Any = None,
    **plan: Any,
) -> Pairing:
    tiny_catalogue().save(folder / "catalogue.safetensors")
    student = linear_student(folder, seed=seed, space=space)
    stable = await loaded_lane(served)
    candidate = await loaded_lane(served._replace(student=student))
    if backend is not None:
        candidate.batcher._scorer._backend = backend
    if ranker is not None:
        candidate = dataclasses.replace(candidate, ranker=ranker)
    return Pairing(stable, candidate, stage, **plan)
