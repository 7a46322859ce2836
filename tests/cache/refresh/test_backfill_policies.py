from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.items import ItemCounters
from cache.refresh.backfill import candidates_file
from cache.refresh.backfill.contexts import Context
from cache.refresh.backfill.errors import CandidatesInvalid
from cache.refresh.backfill.policies import Asked, Candidates, Popular, Recent, popular_items
from models.features.catalogue import Catalogue
from models.features.hashing import key64, keys64
from models.features.item_status import ACTIVE
from models.features.live_catalogue import LiveCatalogue
from models.schema import FeatureSchema
from tests.bundles import NOW_MS, log_schema, tiny_catalogue
from tests.cache.refresh.asked import make_record
from tests.cache.refresh.backfilled import FEED, rows_of
from tests.cache.refresh.test_follower import ads

SCHEMA = FeatureSchema(log=log_schema(), history_length=4, prior_rates=(0.04, 0.005))
STORY = Context(np.array([key64("story")], np.uint64), np.array([np.nan], np.float32))


def popular(catalogue: Catalogue, count: int, at_ms: int = NOW_MS) -> list[int]:
    view = LiveCatalogue(SCHEMA, catalogue).view
    return [int(key) for key in popular_items(view, SCHEMA.log, at_ms, count)]


def by_brute_force(catalogue: Catalogue, count: int, at_ms: int) -> list[int]:
    worth = []
    for row, key in enumerate(catalogue.keys):
        elapsed = max(at_ms - int(catalogue.counters_at[row]), 0)
        shown = catalogue.counters[row, 0] * 2.0 ** (elapsed / -SCHEMA.log.counter_half_life_ms)
        if shown and catalogue.counters_at[row] and catalogue.status[row] == ACTIVE:
            worth.append((-shown, int(key)))
    return [key for _, key in sorted(worth)[:count]]


@given(st.integers(0, 99), st.integers(1, 400), st.integers(0, 10**10))
def test_popular_are_those_shown_most_of_late(seed: int, count: int, later_ms: int) -> None:
    catalogue = tiny_catalogue(40, seed)
    catalogue.status[::5] = 1
    catalogue.counters[::7, 0] = 0.0
    chosen = popular(catalogue, count, NOW_MS + later_ms)
    assert chosen == by_brute_force(catalogue, count, NOW_MS + later_ms)


def test_item_that_was_told_of_since_the_file_can_be_popular() -> None:
    items = LiveCatalogue(SCHEMA, tiny_catalogue(20))
    items.apply(ads("new-ad"))
    many = ItemCounters(keys64(["new-ad"]), np.array([[1e6, 1.0, 0.0]]), np.array([NOW_MS]))
    items.count(many)
    [first] = popular_items(items.view, SCHEMA.log, NOW_MS, 1)
    assert first == key64("new-ad")


def test_popular_items_are_asked_of_every_user_in_every_context() -> None:
    keys = keys64(["a", "b"])
    asked = list(Popular(keys, [FEED, STORY]).asked(rows_of("u", "v"), {}))
    assert [(each.user_id, int(each.context.keys[0])) for each in asked] == [
        (user, key64(place)) for user in ("u", "v") for place in ("feed", "story")
    ]
    assert all(each.item_keys is keys for each in asked)


@given(st.lists(st.integers(1, 9), max_size=20), st.integers(1, 12))
def test_recent_are_the_last_items_met_each_once(met: list[int], count: int) -> None:
    record = make_record()._replace(items=np.array(met, np.uint64))
    asked = list(Recent(count, [FEED]).asked(rows_of("u", "stranger"), {"u": record}))
    expected = list(dict.fromkeys(reversed(met)))[:count]
    assert [each.item_keys.tolist() for each in asked] == ([expected] if met else [])


def pairs_of(asked: list[Asked]) -> set[tuple[str, int, float, int]]:
    return {
        (each.user_id, int(each.context.keys[0]), float(each.context.numbers[0]), int(key))
        for each in asked
        for key in each.item_keys
    }


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_candidates_are_exactly_the_pairs_of_the_file(tmp_path: Path, suffix: str) -> None:
    table = pl.DataFrame(
        {
            "user_id": ["u", "u", "v", "u", "u"],
            "item_id": ["07", "b", "07", "07", "b"],
            "placement": ["feed", "feed", None, "story", "feed"],
            "slot_width": [320, 320, 1, 640, 320],
            "ignored": [1, 2, 3, 4, 5],
        }
    )
    path = tmp_path / f"pairs.{suffix}"
    table.write_parquet(path) if suffix == "parquet" else table.write_csv(path)
    scanned = candidates_file.scan(path)
    in_file = candidates_file.context_columns(scanned, SCHEMA.log)
    rows = candidates_file.wanted(path, scanned, SCHEMA.log).collect()
    nothing = Context(np.zeros(1, np.uint64), np.full(1, np.nan, np.float32))
    asked = list(Candidates(SCHEMA.log, [nothing], in_file).asked(rows, {}))
    assert pairs_of(asked) == {
        ("u", key64("feed"), 320.0, key64("07")),
        ("u", key64("feed"), 320.0, key64("b")),
        ("v", 0, 1.0, key64("07")),
        ("u", key64("story"), 640.0, key64("07")),
    }
    assert [len(each.item_keys) for each in asked] == [2, 1, 1]


def test_candidates_without_a_context_column_are_asked_in_the_contexts_given() -> None:
    rows = pl.DataFrame({"user_id": ["u"], "item_id": ["a"], "slot_width": [64.0]})
    asked = list(Candidates(SCHEMA.log, [FEED, STORY], ["slot_width"]).asked(rows, {}))
    assert pairs_of(asked) == {("u", key64(place), 64.0, key64("a")) for place in ("feed", "story")}


def refuse(path: Path) -> None:
    scanned = candidates_file.scan(path)
    candidates_file.check_ids(path, candidates_file.wanted(path, scanned, SCHEMA.log))


@pytest.mark.parametrize(
    ("name", "columns", "told"),
    [
        ("a.txt", {}, "give a .parquet or a .csv file"),
        ("a.parquet", {"user_id": ["u"]}, "has no column item_id, only user_id"),
        ("a.parquet", {"user_id": ["u", None], "item_id": ["a", "b"]}, "1 of 2 rows have no"),
        ("a.parquet", {"user_id": [], "item_id": []}, "has no row"),
    ],
)
def test_table_that_is_not_of_pairs_is_refused(
    tmp_path: Path, name: str, columns: dict[str, Any], told: str
) -> None:
    pl.DataFrame(columns).write_parquet(tmp_path / name)
    with pytest.raises(CandidatesInvalid, match=told):
        refuse(tmp_path / name)


def test_file_that_is_missing_or_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.parquet").write_bytes(b"rubbish")
    for name in ("a.parquet", "a.csv", "b.parquet"):
        with pytest.raises(CandidatesInvalid, match=f"{name} cannot be read"):
            refuse(tmp_path / name)
