"""The workers of the lower tiers as processes on a real server."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cache import demand, page
from cache.clock import wall_clock_ms
from cache.connection import connect
from cache.demand_keys import shard_of
from cache.items import FIELD
from cache.keys import item_means_stream, item_slices_table, neighbour_key, page_key
from cache.redis_demand import RedisDemand
from cache.refresh.refresh_command import _student_reads_items
from tests.bundles import SPACE, linear_student, linear_teacher, tiny_catalogue
from tests.cache.pages import page_bytes_of, random_entries
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.started import Started
from tests.cache.refresh.waiting import until

TIMEOUT_S = 30.0


class Live(Started):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.client: Any = connect(url)

    async def ask(self, user: str) -> None:
        sink = RedisDemand(self.client, SPACE)
        body = demand.encode(make_demand(user), wall_clock_ms())
        await sink.append({shard_of(user, await sink.shards()): [body]}, 1000)

    async def holds(self, user: str, keys: list[int], like: int) -> None:
        entries = random_entries(len(keys), dim=8, seed=like)
        value = page_bytes_of(entries._replace(pair_keys=np.array(keys, np.uint64)))
        await self.client.set(page_key(user, SPACE), value)

    async def close(self) -> None:
        self.end()
        await self.client.aclose()


@pytest.fixture
async def live(redis_url: str) -> AsyncIterator[Live]:
    live = Live(redis_url)
    yield live
    await live.close()


def serving_folder(folder: Path, **student: Any) -> Path:
    named = {"teacher": linear_teacher(folder).name}
    if student:
        named["student"] = linear_student(folder, **student).name
    (folder / "serving.json").write_text(json.dumps(named))
    tiny_catalogue().save(folder / "catalogue.safetensors")
    return folder


@pytest.mark.redis
async def test_refresher_tells_what_it_said_of_items(live: Live, tmp_path: Path) -> None:
    folder = serving_folder(tmp_path, tiers=("item",))
    process = live.understudy("refresh", "--from", str(folder))
    await live.ask("user-1")

    async def has_told() -> bool:
        return bool(await live.client.xlen(item_means_stream(SPACE)))

    await until(has_told)
    held = await live.client.hgetall(item_slices_table(SPACE))
    assert {FIELD.unpack(key)[0] for key in held} == set(make_demand().item_keys.tolist())
    process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(process.communicate, timeout=TIMEOUT_S)
    assert process.returncode == 0


@pytest.mark.redis
async def test_neighbours_lend_until_they_are_stopped(live: Live, tmp_path: Path) -> None:
    bundle = linear_student(tmp_path, tiers=("user", "neighbour"))
    for user, keys, like in (("a", [1, 2], 1), ("b", [2, 3], 1), ("c", [4], 2), ("d", [5], 3)):
        await live.holds(user, keys, like)
    process = live.understudy("neighbours", "--bundle", str(bundle))

    async def has_lent() -> bool:
        return await live.client.get(neighbour_key("a", SPACE)) is not None

    await until(has_lent)
    value = await live.client.get(neighbour_key("a", SPACE))
    assert page.decode(value).pair_keys.tolist() == [3]
    process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(process.communicate, timeout=TIMEOUT_S)
    assert process.returncode == 0


def test_items_are_summed_when_the_folders_student_reads_them(tmp_path: Path) -> None:
    for name in ("alone", "item", "user"):
        (tmp_path / name).mkdir()
    assert not _student_reads_items(serving_folder(tmp_path / "alone"))
    assert _student_reads_items(serving_folder(tmp_path / "item", tiers=("item",)))
    assert not _student_reads_items(serving_folder(tmp_path / "user", tiers=("user",)))
