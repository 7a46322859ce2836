"""Whoever is started before the cache waits for it: a supervisor starts all at once."""

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest

from cache import record
from cache.embedded import EmbeddedValkey
from cache.events import Event, EventFeed
from cache.keys import record_key
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from tests.bundles import NOW_MS, serving_folder
from tests.cache.refresh.started import Started
from tests.cache.refresh.waiting import until

pytestmark = pytest.mark.redis

ROLES = {"refresh": "--from", "ingest": "--load", "worth": "--from", "archive": "--to"}
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serving_folder(tmp_path_factory.mktemp("serving"))


def waits(process: subprocess.Popen[str]) -> bool:
    """Whether it says so, rather than end."""
    assert process.stderr is not None
    return any("waits" in line for line in process.stderr)


@pytest.mark.parametrize("role", ROLES)
async def test_a_process_that_is_early_waits_and_ends_when_it_is_told_to(
    role: str, serving: Path, data_folder: Path, tmp_path: Path
) -> None:
    server = EmbeddedValkey(data_folder)
    started = Started(server.url)
    folder = tmp_path if role == "archive" else serving
    try:
        process = started.understudy(role, f"{ROLES[role]}={folder}")
        async with asyncio.timeout(DEADLINE_S):
            assert await asyncio.to_thread(waits, process)
        server.start()
        if role == "ingest":
            await until_folded(server.url)
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.communicate, timeout=DEADLINE_S)
        assert process.returncode == 0
    finally:
        started.end()
        server.stop()


async def until_folded(url: str) -> None:
    """A user of the folder, and an event of theirs."""
    store, streams = RedisStore.open(url), RedisStreams.open(url)
    await EventFeed(streams).append([Event("e1", "impression", "user-1", "item-3", NOW_MS)])

    async def is_folded() -> bool:
        [value] = await store.get_many([record_key("user-1")])
        return value is not None and len(record.decode(value).items) == 4

    try:
        await until(is_folded)
    finally:
        await streams.close()
        await store.close()
