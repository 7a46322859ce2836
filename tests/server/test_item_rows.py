import numpy as np

from models.features.hashing import keys64
from server.item_rows import ItemRows
from tests.bundles import rank_body, tiny_catalogue


def test_remembered_items_are_where_they_were_found() -> None:
    catalogue = tiny_catalogue()
    ids = rank_body("user-1", 20)["item_ids"]
    rows = ItemRows(catalogue)
    found, remembered = rows.locate(ids), rows.locate(ids)
    np.testing.assert_array_equal(found.keys, keys64(ids))
    np.testing.assert_array_equal(found.rows, catalogue.rows(keys64(ids)))
    np.testing.assert_array_equal(remembered.keys, found.keys)
    np.testing.assert_array_equal(remembered.rows, found.rows)


def test_unknown_items_keep_their_own_keys_and_are_not_remembered() -> None:
    catalogue = tiny_catalogue()
    ids = [*rank_body("user-1", 3)["item_ids"], "stranger-1", "stranger-2"]
    rows = ItemRows(catalogue)
    for _ in range(2):
        located = rows.locate(ids)
        np.testing.assert_array_equal(located.keys, keys64(ids))
        assert located.rows[3:].tolist() == [len(catalogue)] * 2
    assert len(rows._row_of) == 3
