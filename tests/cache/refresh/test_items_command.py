"""`understudy items export` against a real server."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from cache.catalogue_rows import CatalogueRows
from cache.catalogue_writer import CatalogueWriter
from cache.clock import wall_clock_ms
from cache.connection import connect
from cache.items import pack_value
from cache.keys import CATALOGUE_TABLE, ITEMS_TABLE
from cache.refresh import items_command
from models.features.catalogue import Catalogue
from models.features.hashing import key64, keys64
from tests.bundles import NOW_MS, tiny_catalogue
from tests.cache.refresh.test_follower import LAYOUT, ads

pytestmark = pytest.mark.redis


@pytest.fixture
def held(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.safetensors"
    tiny_catalogue().save(path)
    return path


async def write(redis_url: str, rows: CatalogueRows) -> None:
    client = connect(redis_url)
    await CatalogueWriter(client, LAYOUT).write(rows)
    await client.aclose()


async def export(redis_url: str, source: Path, out: Path, **given: Any) -> None:
    options = {"removed_days": 30.0, "prune": False} | given
    await items_command.export_items(redis_url, source, out, **options)


def removed(rows: CatalogueRows) -> CatalogueRows:
    return rows._replace(status=np.full(len(rows.keys), 2, np.uint8))


@pytest.fixture(autouse=True)
def _all_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def said(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """Facts by message; the later ones."""
    return {record.message: vars(record)["facts"] for record in caplog.records}


async def test_new_file_has_the_changes_and_the_counters(
    redis_url: str, held: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await write(redis_url, ads("new-ad", "item-1"))
    counters = np.array([7.0, 3.0, 1.0])
    with redis.Redis.from_url(redis_url) as direct:
        for item_id in ("new-ad", "item-2"):
            field = key64(item_id).to_bytes(8, "little")
            direct.hset(ITEMS_TABLE, field, pack_value(NOW_MS + 1, counters))
    await export(redis_url, held, tmp_path / "next.safetensors")
    made, before = Catalogue.load(tmp_path / "next.safetensors"), Catalogue.load(held)
    rows = made.rows(keys64(["new-ad", "item-1", "item-2"]))
    np.testing.assert_array_equal(made.columns[rows[:2]], ads("new-ad", "item-1").columns)
    np.testing.assert_array_equal(made.counters[rows[[0, 2]]], [counters, counters])
    assert (len(before), len(made)) == (300, 301)
    told = said(caplog)["exported"]
    assert (told["items"], told["before"], told["told"], told["new"]) == (301, 300, 2, 2)


async def test_file_is_replaced_under_workers_that_have_it_mapped(
    redis_url: str, held: Path
) -> None:
    mapped = Catalogue.load(held)
    keys = mapped.keys.copy()
    await write(redis_url, ads("new-ad"))
    await export(redis_url, held, held)
    np.testing.assert_array_equal(mapped.keys, keys)
    assert len(Catalogue.load(held)) == 301


async def test_prune_deletes_what_the_present_file_holds_and_nothing_else(
    redis_url: str, held: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    await write(redis_url, ads("a", "b"))
    await export(redis_url, held, first, prune=True)
    assert said(caplog)["pruned"]["rows"] == 0
    await write(redis_url, ads("b", "c", at=20))
    await export(redis_url, first, second, prune=True)
    assert said(caplog)["pruned"]["rows"] == 1
    with redis.Redis.from_url(redis_url) as direct:
        assert direct.hlen(CATALOGUE_TABLE) == 2
    assert len(Catalogue.load(second)) == 303


async def test_removed_item_is_forgotten_after_its_days(
    redis_url: str, held: Path, tmp_path: Path
) -> None:
    hour_ago = wall_clock_ms() - 3_600_000
    await write(redis_url, removed(ads("item-1", at=hour_ago)))
    kept, gone = tmp_path / "kept.safetensors", tmp_path / "gone.safetensors"
    await export(redis_url, held, kept, removed_days=1.0)
    await export(redis_url, held, gone, removed_days=0.01)
    assert (len(Catalogue.load(kept)), len(Catalogue.load(gone))) == (300, 299)
