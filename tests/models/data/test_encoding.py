import numpy as np
import polars as pl

from models.data.encoding import catalogue_of, categories, keys_of, positions_in, quantities
from models.features.hashing import key64
from tests.models.data.small_logs import random_log


def test_texts_become_their_keys_and_missing_ones_zero() -> None:
    keys = keys_of(pl.Series("tab", ["feed", None, "story", "feed"]))
    assert keys.dtype == np.uint64
    assert keys.tolist() == [key64("feed"), 0, key64("story"), key64("feed")]


def test_columns_are_encoded_by_kind_in_the_schemas_order() -> None:
    log = random_log(0, 10)
    keys = categories(log.items, log.schema.item)
    assert keys.shape == (6, 2)
    assert keys[0].tolist() == [key64("i0"), 0]
    assert quantities(log.items, log.schema.item).tolist() == [[float(n)] for n in range(6)]


def test_missing_numbers_are_nan() -> None:
    log = random_log(0, 10)
    ages = quantities(log.users, log.schema.user)
    assert ages.dtype == np.float32
    assert np.isnan(ages[0, 0])
    assert ages[1:, 0].tolist() == [21.0, 22.0, 23.0]


def test_the_catalogue_holds_every_item_under_its_key() -> None:
    log = random_log(0, 10)
    catalogue = catalogue_of(log)
    rows = catalogue.rows(keys_of(log.items["item_id"]))
    assert sorted(rows.tolist()) == list(range(6))
    assert catalogue.numbers[rows, 0].tolist() == log.items["price"].to_list()
    assert not catalogue.counters.any()


def test_positions_are_rows_of_the_other_table() -> None:
    found = positions_in(pl.Series("user_id", ["b", "a", "b"]), pl.Series("user_id", ["a", "b"]))
    assert found.tolist() == [1, 0, 1]
