import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import ValidationError

from cache.connection import connect
from cache.entries import Entries
from cache.item_means import ItemMeans
from cache.keys import neighbour_key, pair_keys
from cache.quantise import Precision
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.item_sums import ItemSums, ItemWords
from cache.refresh.neighbour_loop import value_of
from cache.refresh.tally import Tally
from cache.tiers import NEVER_MS, TtlPolicy
from models.features.hashing import key64, keys64
from models.features.live_catalogue import LiveCatalogue
from models.manifest import read_manifest
from models.schema import Tier
from server.item_hints import ItemHints
from server.lower_tiers import TierUntrained, lower_tiers
from server.settings import Settings
from tests.bundles import NOW_MS, SPACE, linear_student, rank_body, tiny_catalogue
from tests.server.changes import changes_of
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.loaded_cache import clear, page_of, write

ALL: tuple[Tier, ...] = ("item", "user", "neighbour")
DIM = 8


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiers")
    tiny_catalogue().save(folder / "catalogue.safetensors")
    return linear_student(folder, tiers=ALL)


@pytest.fixture
def empty(redis_url: str) -> Iterator[str]:
    clear(redis_url)
    yield redis_url
    clear(redis_url)


def lent_to(user: str, item_ids: list[str]) -> dict[bytes, bytes]:
    keys = pair_keys(keys64(item_ids), [key64("feed")])
    z = np.full((len(keys), DIM), 0.5, np.float32)
    at_ms = np.full(len(keys), NOW_MS - 2_000, np.int64)
    lent = Entries.of(keys, at_ms, np.zeros((len(keys), 2), np.float32), z, Precision.INT8)
    return {neighbour_key(user, SPACE): value_of(lent)}


async def say(url: str, item_ids: list[str], at_ms: int = NOW_MS - 3_000) -> None:
    """As refreshers do."""
    client = connect(url)
    sums = ItemSums(RedisTable(client), RedisStreams(client), SPACE, TtlPolicy(), Tally("refresh"))
    sums.add([ItemWords("u", keys64(item_ids), at_ms, np.ones((len(item_ids), DIM), np.float32))])
    await sums.flush()
    await client.aclose()


def asked(client: httpx.Client, body: dict[str, Any]) -> dict[str, float]:
    answer = client.post("/v1/rank", json=body).json()
    coverage: dict[str, float] = answer["coverage"]
    return {tier: share for tier, share in coverage.items() if share}


def test_every_tier_is_read_and_the_best_is_taken(student: Path, empty: str) -> None:
    body = rank_body("user-1", 10, timestamp_ms=NOW_MS)
    ids = body["item_ids"]
    z = np.full((2, DIM), 0.25, np.float32)
    pages = page_of("user-1", ids[:2], z, np.zeros((2, 2), np.float32), NOW_MS - 1_000)
    write(empty, pages | lent_to("user-1", ids[1:5]) | lent_to("user-2", ids[:4]))
    asyncio.run(say(empty, ids[3:7]))
    with live_gateway(settings_for(student, redis_url=empty)) as client:
        stranger = body | {"user_id": "user-2"}
        expected = {"neighbour": 0.4, "item": 0.3, "none": 0.3}
        wait_until(lambda: asked(client, stranger) == expected, "the item tier")
        assert asked(client, body) == {"pair": 0.2, "neighbour": 0.3, "user": 0.5}
        asyncio.run(say(empty, ids[7:8]))
        more = {"neighbour": 0.4, "item": 0.4, "none": 0.2}
        wait_until(lambda: asked(client, stranger) == more, "what was said since")
        write(empty, {neighbour_key("user-2", SPACE): b"rubbish"})
        answer = client.post("/v1/rank", json=stranger).json()
        assert answer["coverage"]["item"] == 0.5
        assert answer["degraded"] == [{"stage": "cache", "reason": "corrupt"}]


def test_tiers_that_the_settings_leave_out_are_not_read(student: Path, empty: str) -> None:
    body = rank_body("user-2", 10, timestamp_ms=NOW_MS)
    write(empty, lent_to("user-2", body["item_ids"][:4]))
    asyncio.run(say(empty, body["item_ids"]))
    with live_gateway(settings_for(student, redis_url=empty, tiers="pair,neighbour")) as client:
        assert asked(client, body) == {"neighbour": 0.4, "none": 0.6}


def test_items_that_nothing_was_said_of_lend_nothing(student: Path) -> None:
    hints = ItemHints(tiny_catalogue(), DIM)
    z = np.ones((1, DIM), np.float16)
    hints.write(ItemMeans(keys64(["item-3"]), np.array([NOW_MS]), z))
    view = LiveCatalogue(read_manifest(student)[0].features, tiny_catalogue()).view
    keys = keys64(["item-3", "item-4", "unheard of"])
    lent = hints.of(keys, view.rows(keys), view)
    assert lent.newest_ms[lent.rows].tolist() == [NOW_MS, NEVER_MS, NEVER_MS]


def test_hints_follow_items_that_were_changed_since_the_file(student: Path) -> None:
    catalogue = tiny_catalogue()
    items = LiveCatalogue(read_manifest(student)[0].features, catalogue)
    keys = keys64(["item-3", "new item"])
    items.apply(changes_of({"item-3": "paused", "new item": "active"}))
    rows = items.view.rows(keys)
    assert (rows > items.view.unknown).all()
    hints = ItemHints(catalogue, DIM)
    hints.write(ItemMeans(keys, np.full(2, NOW_MS), np.ones((2, DIM), np.float16)))
    lent = hints.of(keys, rows, items.view)
    assert lent.newest_ms[lent.rows].tolist() == [NOW_MS, NEVER_MS]


def test_untrained_tier_is_refused_with_the_remedy(tmp_path: Path) -> None:
    manifest, _ = read_manifest(linear_student(tmp_path))
    with pytest.raises(TierUntrained, match=r"names item, .*was trained with user below"):
        lower_tiers(Settings(tiers="pair,item"), manifest)
    assert lower_tiers(Settings(), manifest) == ("user",)
    assert lower_tiers(Settings(tiers="pair"), manifest) == ()
    assert lower_tiers(Settings(teacher_cache=False), manifest) == ()


@pytest.mark.parametrize("tiers", ["", "user", "pair,users", "pair,", "pair user", "none,pair"])
def test_list_without_the_pair_or_with_strangers_is_refused(tiers: str) -> None:
    with pytest.raises(ValidationError, match="tiers"):
        Settings(tiers=tiers)


def test_list_is_in_any_order() -> None:
    assert Settings(tiers="neighbour,pair,item").lower_tiers == ("item", "neighbour")
    assert Settings(tiers="pair").lower_tiers == ()
    assert Settings().lower_tiers is None
