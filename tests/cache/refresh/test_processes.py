"""Real processes on a real server: what survives a kill, what a signal ends."""

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from cache import demand, page, record
from cache.account import Account, Outcome
from cache.clock import wall_clock_ms
from cache.connection import connect
from cache.demand_keys import shard_of
from cache.embedded import EmbeddedValkey
from cache.events import Event, EventFeed
from cache.keys import EVENTS_STREAM, page_key, record_key
from cache.redis_demand import RedisDemand
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from cache.refresh.backlog import Backlog
from models.features.hashing import key64
from tests.bundles import NOW_MS, SPACE, linear_teacher, tiny_catalogue, tiny_users
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.started import Started
from tests.cache.refresh.waiting import until

pytestmark = pytest.mark.redis

DEADLINE_S = 30.0
METRICS = (
    'understudy_refresh_pairs_total{outcome="computed"} 5.0',
    "understudy_refresh_leases 16.0",
    'understudy_refresh_shard_backlog{shard="3"} 0.0',
    "understudy_refresh_batch_pairs ",
    'understudy_refresh_account_pairs{outcome="trimmed"} 0.0',
)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serving")
    teacher = linear_teacher(folder)
    (folder / "serving.json").write_text(json.dumps({"teacher": teacher.name}))
    tiny_catalogue().save(folder / "catalogue.safetensors")
    tiny_users().save(folder / "users.safetensors")
    return folder


class Live(Started):
    """The server's contents and the processes that a test started."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.store = RedisStore.open(url)
        self.streams = RedisStreams.open(url)
        self.client = connect(url)
        self.demand = RedisDemand(self.client, SPACE)

    async def ask(self, *user_ids: str) -> None:
        shards = await self.demand.shards()
        for user in user_ids:
            body = demand.encode(make_demand(user), wall_clock_ms())
            await self.demand.append({shard_of(user, shards): [body]}, 1000)

    async def has_pages(self, *user_ids: str) -> bool:
        values = await self.store.get_many([page_key(user, SPACE) for user in user_ids])
        return all(value is not None and len(page.decode(value).pair_keys) == 5 for value in values)

    async def has_record(self, user_id: str) -> bool:
        [value] = await self.store.get_many([record_key(user_id)])
        return value is not None and len(record.decode(value).items) == 1

    async def account(self) -> Account:
        return await Backlog(self.client, SPACE, await self.demand.shards()).account()

    async def is_settled(self) -> bool:
        return (await self.account()).unsettled == 0

    async def close(self) -> None:
        self.end()
        await self.client.aclose()
        await self.streams.close()
        await self.store.close()


@pytest.fixture
async def live(redis_url: str) -> AsyncIterator[Live]:
    live = Live(redis_url)
    yield live
    await live.close()


def lines_of(process: subprocess.Popen[str]) -> Iterator[dict[str, object]]:
    """What the process says of its own work."""
    _, errors = process.communicate(timeout=DEADLINE_S)
    said = map(json.loads, errors.splitlines())
    return (line for line in said if line["logger"] == "cache.refresh.process")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_refresher_that_is_killed_or_frozen_is_replaced_within_its_lease(
    live: Live, serving: Path, number: signal.Signals
) -> None:
    command = ("refresh", "--from", str(serving), "--lease-ms", "1000")
    first = live.understudy(*command)
    await live.ask("warm")
    await until(lambda: live.has_pages("warm"))
    first.send_signal(number)
    users = [f"user-{number}" for number in range(20)]
    await live.ask(*users)
    live.understudy(*command)
    await until(lambda: live.has_pages(*users))
    first.send_signal(signal.SIGCONT)
    await live.ask("later")
    await until(lambda: live.has_pages("later"))
    await until(live.is_settled)
    outcomes = (await live.account()).outcomes
    # One that went between its page and its word of it leaves the pairs as fresh.
    assert outcomes[Outcome.COMPUTED] + outcomes.get(Outcome.FRESH, 0) == 5 * 22
    assert outcomes[Outcome.COMPUTED] >= 5 * 21


async def test_another_number_of_shards_ends_a_refresher_with_the_remedy(
    live: Live, serving: Path
) -> None:
    assert await live.demand.shards(8) == 8
    process = live.understudy("refresh", "--from", str(serving), "--shards", "4")
    _, errors = await asyncio.to_thread(process.communicate, timeout=DEADLINE_S)
    assert process.returncode == 1
    assert "8 shards and 4 are wanted" in errors
    assert f"delete us:shards:{{{SPACE}}}" in errors


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
    assert [line["message"] for line in said] == ["refresh started", "refresh stopped"]
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
    said = {str(line["message"]): line for line in lines_of(process)}
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
            told = answer.read().decode()
        return all(line in told for line in METRICS)

    await until(is_counted)


async def test_refresher_needs_a_serving_folder(live: Live, tmp_path: Path) -> None:
    process = live.understudy("refresh", "--from", str(tmp_path))
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode != 0
    assert "serving.json" in errors
