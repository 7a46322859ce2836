import numpy as np
import pytest

from models.features.hashing import keys64
from models.features.live_catalogue import LiveCatalogue
from models.schema import FeatureSchema
from server.item_rows import ItemRows
from tests.bundles import log_schema, rank_body, tiny_catalogue
from tests.server.changes import changes_of

SCHEMA = FeatureSchema(log=log_schema(), history_length=4, prior_rates=(0.04, 0.005))
IDS: list[str] = rank_body("user-1", 20)["item_ids"]


@pytest.fixture
def live() -> LiveCatalogue:
    return LiveCatalogue(SCHEMA, tiny_catalogue())


def check(rows: ItemRows, live: LiveCatalogue, ids: list[str]) -> None:
    found = rows.locate(ids, live.view)
    np.testing.assert_array_equal(found.keys, keys64(ids))
    np.testing.assert_array_equal(found.rows, live.view.rows(keys64(ids)))


def test_remembered_items_are_where_they_were_found(live: LiveCatalogue) -> None:
    rows = ItemRows(live.view.base)
    for ids in (IDS, IDS, IDS[::-1], [*IDS[:3], "item-299"]):
        check(rows, live, ids)


def test_unknown_items_keep_their_own_keys_and_are_not_remembered(live: LiveCatalogue) -> None:
    ids = [*IDS[:3], "stranger-1", "stranger-2"]
    rows = ItemRows(live.view.base)
    for _ in range(2):
        located = rows.locate(ids, live.view)
        np.testing.assert_array_equal(located.keys, keys64(ids))
        assert located.rows[3:].tolist() == [live.view.unknown] * 2
    assert len(rows._row_of) == 3


def test_remembered_item_that_changed_and_new_one_are_found_in_the_delta(
    live: LiveCatalogue,
) -> None:
    ids = [*IDS[:3], "new"]
    rows = ItemRows(live.view.base)
    check(rows, live, ids)
    live.apply(changes_of({"new": "active", ids[1]: "paused"}))
    for _ in range(2):
        check(rows, live, ids)
        moved = rows.locate(ids, live.view).rows > live.view.unknown
        assert moved.tolist() == [False, True, False, True]


def test_memory_is_bounded(live: LiveCatalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.item_rows.MAX_REMEMBERED", 25)
    rows = ItemRows(live.view.base)
    for start in range(0, 280, 20):
        check(rows, live, [f"item-{number}" for number in range(start, start + 20)])
        assert len(rows._row_of) <= 25


def test_empty_catalogue_knows_nothing() -> None:
    live = LiveCatalogue(SCHEMA, tiny_catalogue(0))
    check(ItemRows(live.view.base), live, IDS)
