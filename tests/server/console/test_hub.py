import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

import pytest
from pydantic import SecretStr

from server.background import Background
from server.console import hub as module
from server.console.hub import Hub
from server.console.snapshot import Snapshot, Trail
from server.errors import TooManyConnections
from server.routes.console import ConsoleRoute
from tests.browser import figures


class Source:
    def __init__(self) -> None:
        self.taken = 0
        self.fails = False

    async def snapshot(self) -> Snapshot:
        self.taken += 1
        if self.fails:
            raise OSError("gone")
        return Snapshot(self.taken, "ready", figures.live(), [])

    def trails(self) -> list[Trail]:
        return []


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def hub(source: Source) -> AsyncIterator[Hub]:
    hub, background = Hub(source, 0.001), Background()
    background.keep("console", hub.run())
    yield hub
    await background.end()


@asynccontextmanager
async def watching(hub: Hub) -> AsyncIterator[AsyncGenerator[Snapshot, None]]:
    with hub.seat():
        async with aclosing(hub.snapshots()) as snapshots:
            yield snapshots


async def test_nothing_is_taken_while_nobody_watches(hub: Hub, source: Source) -> None:
    await asyncio.sleep(0.02)
    assert source.taken == 0
    async with watching(hub) as snapshots:
        await anext(snapshots)
    await asyncio.sleep(0.01)
    taken = source.taken
    await asyncio.sleep(0.02)
    assert source.taken == taken


async def test_all_who_watch_share_what_is_taken(hub: Hub, source: Source) -> None:
    async def seen() -> list[int]:
        async with watching(hub) as snapshots:
            return [(await anext(snapshots)).at_ms for _ in range(3)]

    told = await asyncio.gather(*(seen() for _ in range(5)))
    assert all(each == told[0] for each in told)
    assert source.taken <= told[0][-1] + 1


async def test_who_is_slow_gets_the_newest(hub: Hub, source: Source) -> None:
    async with watching(hub) as snapshots:
        first = await anext(snapshots)
        await asyncio.sleep(0.05)
        assert (await anext(snapshots)).at_ms >= source.taken - 1 > first.at_ms + 1


async def test_one_more_than_is_allowed_is_refused_before_it_has_seen_anything(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WATCHERS", 2)
    with hub.seat():
        with hub.seat(), pytest.raises(TooManyConnections, match="2 consoles are open"):
            hub.seat().__enter__()
        with hub.seat():
            pass


async def test_who_never_came_to_watch_takes_no_place(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client is gone before the first byte."""
    monkeypatch.setattr(module, "MAX_WATCHERS", 1)
    route = ConsoleRoute(hub, SecretStr("x"), lambda: False)
    scope = {"type": "http", "headers": [(b"authorization", b"Bearer x")]}

    async def gone(*_: object) -> None:
        raise OSError("hung up")

    for _ in range(2):
        with pytest.raises(OSError, match="hung up"):
            await route(scope, forever, gone)
    with hub.seat():
        pass


async def forever() -> dict[str, object]:
    await asyncio.Event().wait()
    return {}


async def test_snapshot_that_fails_is_left_out(
    hub: Hub, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source.fails = True
    async with watching(hub) as snapshots:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                await anext(snapshots)
    assert "no snapshot" in caplog.text
    source.fails = False
    async with watching(hub) as snapshots:
        assert (await anext(snapshots)).at_ms == source.taken
