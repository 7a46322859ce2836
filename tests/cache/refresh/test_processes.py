"""Real processes on a real server: what survives a kill, what a signal ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from cache import demand, page, record
from cache.clock import wall_clock_ms
from cache.embedded import EmbeddedValkey
from cache.events import Event, EventFeed
from cache.keys import EVENTS_STREAM, demand_stream, page_key, record_key
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from cache.refresh.refresh_command import GROUP
from models.features.hashing import key64
from tests.bundles import NOW_MS, SPACE, linear_teacher, tiny_catalogue, tiny_users
from tests.cache.refresh.asked import make_demand

pytestmark = pytest.mark.redis

REPO = Path(__file__).parents[3]
DEMAND = demand_stream(SPACE)
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serving")
    teacher = linear_teacher(folder)
    (folder / "serving.json").write_text(json.dumps({"teacher": teacher.name}))
    tiny_catalogue().save(folder / "catalogue.safetensors")
    tiny_users().save(folder / "users.safetensors")
    return folder


class Live:
    """The server's contents and the processes that a test started."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store = RedisStore.open(url)
        self.streams = RedisStreams.open(url)
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=REPO,
            env=os.environ | {"UNDERSTUDY_REDIS_URL": self.url, "PYTHONPATH": str(REPO)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def understudy(self, *arguments: str) -> subprocess.Popen[str]:
        return self.start("-m", "understudy", *arguments)

    async def ask(self, *user_ids: str) -> None:
        bodies = [demand.encode(make_demand(user), wall_clock_ms()) for user in user_ids]
        await self.streams.append(DEMAND, bodies, 1000)

    async def has_pages(self, *user_ids: str) -> bool:
        values = await self.store.get_many([page_key(user, SPACE) for user in user_ids])
        return all(value is not None and len(page.decode(value).pair_keys) == 5 for value in values)

    async def has_record(self, user_id: str) -> bool:
        [value] = await self.store.get_many([record_key(user_id)])
        return value is not None and len(record.decode(value).items) == 1

    async def is_settled(self) -> bool:
        return await self.streams.length(DEMAND) == 0

    async def close(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()
        await self.streams.close()
        await self.store.close()


@pytest.fixture
async def live(redis_url: str) -> AsyncIterator[Live]:
    live = Live(redis_url)
    yield live
    await live.close()


async def until(is_true: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not await is_true():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.01)


def lines_of(process: subprocess.Popen[str]) -> Iterator[dict[str, object]]:
    _, errors = process.communicate(timeout=DEADLINE_S)
    return (json.loads(line) for line in errors.splitlines())


async def test_worker_killed_between_read_and_acknowledge_loses_nothing(
    live: Live, serving: Path
) -> None:
    users = [f"user-{number}" for number in range(6)]
    await live.streams.ensure_group(DEMAND, GROUP)
    await live.ask(*users)
    stuck = live.start("tests/cache/refresh/stuck_worker.py", live.url)
    assert stuck.stdout is not None
    assert await asyncio.to_thread(stuck.stdout.readline) == "judging 6\n"
    assert await live.streams.pending(DEMAND, GROUP) == 6
    stuck.send_signal(signal.SIGKILL)
    stuck.communicate()
    assert not await live.has_pages(users[0])
    live.understudy("refresh", "--from", str(serving), "--claim-after-ms", "50")
    await until(lambda: live.has_pages(*users))
    await until(live.is_settled)


async def test_refresher_frozen_for_a_while_is_replaced_and_does_no_harm(
    live: Live, serving: Path
) -> None:
    command = ("refresh", "--from", str(serving), "--claim-after-ms", "50")
    first = live.understudy(*command)
    await live.ask("warm")
    await until(lambda: live.has_pages("warm"))
    first.send_signal(signal.SIGSTOP)
    await live.ask("a", "b", "c")
    live.understudy(*command)
    await until(lambda: live.has_pages("a", "b", "c"))
    first.send_signal(signal.SIGCONT)
    await live.ask("d")
    await until(lambda: live.has_pages("a", "b", "c", "d"))
    await until(live.is_settled)


async def test_refresher_and_ingest_outlive_a_server_that_forgot_everything(
    serving: Path, data_folder: Path
) -> None:
    server = EmbeddedValkey(data_folder)
    live = Live(server.start())
    try:
        live.understudy("refresh", "--from", str(serving))
        live.understudy("ingest", "--from", str(serving))
        await live.ask("before")
        await until(lambda: live.has_pages("before"))
        server.stop()
        server.start()
        await live.ask("after")
        shown = Event("e1", "impression", "after", "item-3", NOW_MS)
        await EventFeed(live.streams).append([shown])
        await until(lambda: live.has_pages("after"))
        await until(lambda: live.has_record("after"))
    finally:
        await live.close()
        server.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_a_refresher_in_order(
    live: Live, serving: Path, number: signal.Signals
) -> None:
    process = live.understudy("refresh", "--from", str(serving))
    await live.ask("a")
    await until(lambda: live.has_pages("a"))
    process.send_signal(number)
    said = list(lines_of(process))
    assert process.returncode == 0
    assert [line["event"] for line in said] == ["refresh started", "refresh stopped"]
    assert said[0]["space"] == SPACE
    assert said[1]["pairs.computed"] == 5


async def test_ingest_loads_then_folds_events(live: Live, serving: Path) -> None:
    process = live.understudy("ingest", "--load", str(serving))
    feed = EventFeed(live.streams)
    shown = Event("e1", "impression", "user-1", "item-3", NOW_MS)
    await feed.append([shown, Event("e2", "click", "user-1", "item-3", NOW_MS + 5), shown])

    async def is_folded() -> bool:
        [value] = await live.store.get_many([record_key("user-1")])
        return value is not None and record.decode(value).version == 2

    await until(is_folded)
    [value] = await live.store.get_many([record_key("user-1")])
    assert value is not None
    held = record.decode(value)
    assert len(held.items) == 4
    assert (int(held.items[-1]), int(held.outcomes[-1])) == (key64("item-3"), 3)
    process.send_signal(signal.SIGTERM)
    said = {str(line["event"]): line for line in lines_of(process)}
    assert said["loaded"]["users"] == 20
    assert said["loaded"]["items"] == 300
    assert said["ingest stopped"]["events.counted"] == 2
    assert said["ingest stopped"]["events.duplicate"] == 1
    assert await live.streams.length(EVENTS_STREAM) == 0


async def test_metrics_are_served_on_request(live: Live, serving: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    live.understudy("refresh", "--from", str(serving), "--metrics-port", str(port))
    await live.ask("a")
    await until(lambda: live.has_pages("a"))

    async def is_counted() -> bool:
        with await asyncio.to_thread(urlopen, f"http://127.0.0.1:{port}/metrics") as answer:
            return (
                'understudy_refresh_pairs_total{outcome="computed"} 5.0' in answer.read().decode()
            )

    await until(is_counted)


async def test_refresher_needs_a_serving_folder(live: Live, tmp_path: Path) -> None:
    process = live.understudy("refresh", "--from", str(tmp_path))
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode != 0
    assert "serving.json" in errors
