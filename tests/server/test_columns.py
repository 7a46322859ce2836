import math

import numpy as np
import pytest

from models.features.hashing import key64
from server.candidates import CandidateReader
from server.columns import Table
from server.errors import InvalidRequest
from server.wire import Candidate, RankRequest
from tests.bundles import log_schema

CONTEXT = Table(log_schema().context)


def test_row_has_every_column_and_missing_ones_read_as_missing() -> None:
    row = CONTEXT.row({"placement": "feed"}, "context")
    assert row.keys.tolist() == [[key64("feed")]]
    assert np.isnan(row.numbers).all()
    assert not row.unknown


def test_category_may_be_a_number_and_hashes_as_its_text() -> None:
    assert CONTEXT.row({"placement": 7}, "context").keys[0, 0] == key64("7")


def test_null_is_the_same_as_left_out() -> None:
    given = CONTEXT.row({"placement": None, "slot_width": None}, "context")
    assert given.keys.tolist() == [[0]]
    assert np.isnan(given.numbers).all()


def test_unknown_name_is_ignored_and_reported() -> None:
    assert CONTEXT.row({"plcement": "feed"}, "context").unknown


@pytest.mark.parametrize("value", ["wide", math.inf, math.nan, 1e31, 10**400])
def test_number_column_takes_finite_numbers_only(value: str | float) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CONTEXT.row({"slot_width": value}, "context")
    assert refused.value.field == "context.slot_width"


def reader(most: int = 5) -> CandidateReader:
    return CandidateReader(log_schema().item, most)


def test_inline_features_override_columns_by_position() -> None:
    candidates = [Candidate("a"), Candidate("b", features={"category": "toys", "price": 3})]
    columns = reader().read(RankRequest(user_id="u", candidates=candidates))
    (override,) = columns.overrides
    assert override.candidate == 1
    assert override.keys == {1: key64("toys")}
    assert override.numbers == {0: 3.0}
    assert columns.bids is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "candidates"),
        ({"item_ids": ["a"], "candidates": [Candidate("a")]}, "candidates"),
        ({"item_ids": [*"abcdef"]}, "item_ids"),
        ({"item_ids": ["a", "b", "a"]}, "item_ids[2]"),
        ({"candidates": [Candidate("a"), Candidate("a", 1.0)]}, "candidates[1].item_id"),
        ({"candidates": [Candidate("a", 1.0), Candidate("b")]}, "candidates[1].bid"),
        (
            {"candidates": [Candidate("a", features={"price": "dear"})]},
            "candidates[0].features.price",
        ),
    ],
)
def test_refusal_names_the_field(given: dict[str, list[str]], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        reader().read(RankRequest(user_id="u", **given))  # type: ignore[arg-type]
    assert refused.value.field == field
