"""Either client behind one blocking face, so that a test holds for both."""

import asyncio
from typing import Any, Literal, Self

from understudy_client.async_client import AsyncClient
from understudy_client.client import Client
from understudy_client.clock import Clock
from understudy_client.wire import Ranking

Kind = Literal["blocking", "asyncio"]


class FakeClock(Clock):
    """Stands still but for sleeping."""

    def __init__(self, chance: float = 0.5) -> None:
        self.time_s = 1000.0
        self.slept_s: list[float] = []
        self._chance = chance

    def now_s(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.time_s += seconds

    async def pause(self, seconds: float) -> None:
        self.sleep(seconds)

    def chance(self) -> float:
        return self._chance


class Asked:
    def __init__(self, kind: Kind, url: str, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._blocking = Client(url, **options) if kind == "blocking" else None
        self._asyncio = AsyncClient(url, **options) if kind == "asyncio" else None

    def rank(self, *items: Any, **options: Any) -> Ranking:
        ranking = self("rank", *items, **options)
        assert isinstance(ranking, Ranking)
        return ranking

    def __call__(self, method: str, *given: Any, **options: Any) -> Any:
        if self._blocking is not None:
            return getattr(self._blocking, method)(*given, **options)
        return self._runner.run(getattr(self._asyncio, method)(*given, **options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ending: object) -> None:
        self("close")
        self._runner.close()
