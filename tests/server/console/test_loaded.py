"""One listing of the registry for all consoles, and what becomes of them when it hangs."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from server.console import loaded as module
from server.console.loaded import KEPT_S, Loaded
from server.console.lookups import Lookups
from server.errors import RegistryAway


class Slow:
    """A registry that answers when it may."""

    def __init__(self) -> None:
        self.may_answer = Event()
        self.asked: list[str] = []

    def open(self, url: str) -> "Slow":
        self.asked.append(url)
        return self

    def bundles(self) -> list[None]:
        self.may_answer.wait(10.0)
        return []


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    slow = Slow()
    monkeypatch.setattr(module, "Registry", slow)
    yield slow
    slow.may_answer.set()


async def test_listing_is_kept_for_a_while(tmp_path: Path) -> None:
    now_s = [0.0]
    loaded = Loaded(dict, str(tmp_path), lambda: now_s[0])
    first = await loaded.bundles()
    now_s[0] = KEPT_S - 1.0
    assert await loaded.bundles() is first
    now_s[0] = KEPT_S + 1.0
    assert await loaded.bundles() is not first


async def test_registry_that_is_away_is_said_and_asked_again_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now_s = [0.0]
    loaded = Loaded(dict, "nosuch://bucket", lambda: now_s[0])
    with pytest.raises(RegistryAway, match="cannot be read"):
        await loaded.bundles()
    loaded._registry = str(tmp_path)
    with pytest.raises(RegistryAway):
        await loaded.bundles()
    now_s[0] = KEPT_S + 1.0
    assert (await loaded.bundles()).bundles == []


async def test_consoles_share_the_listing_that_is_being_read(slow: Slow) -> None:
    loaded = Loaded(dict, "file:///there")
    waiting = [asyncio.create_task(loaded.bundles()) for _ in range(5)]
    await asyncio.sleep(0.05)
    waiting.pop().cancel()  # who leaves takes nothing away
    slow.may_answer.set()
    first, *others = await asyncio.gather(*waiting)
    assert all(each is first for each in others)
    assert len(slow.asked) == 1


async def test_registry_that_hangs_holds_one_thread_that_nothing_else_needs(slow: Slow) -> None:
    now_s = [0.0]
    loaded = Loaded(dict, "file:///there", lambda: now_s[0])
    loaded._lookups = Lookups("registry", 0.02)
    for _ in range(40):
        with pytest.raises(RegistryAway, match=r"nothing came in 0\.02 s"):
            await loaded.bundles()
        now_s[0] += KEPT_S + 1.0
    assert len(slow.asked) == 1
    await asyncio.wait_for(asyncio.to_thread(lambda: None), 1.0)
    slow.may_answer.set()
    assert (await loaded.bundles()).bundles == []
