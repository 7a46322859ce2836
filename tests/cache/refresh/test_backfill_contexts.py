import numpy as np
import pytest

from cache.refresh.backfill.contexts import check, contexts, key_of, parsed
from cache.refresh.backfill.errors import ContextInvalid
from models.features.hashing import key64
from server.columns import Table
from tests.bundles import log_schema

SCHEMA = log_schema()


def test_context_is_what_a_gateway_makes_of_the_same_values() -> None:
    [made] = contexts(SCHEMA, parsed(["placement=feed", "slot_width=320"]))
    row = Table(SCHEMA.context).row({"placement": "feed", "slot_width": 320}, "context")
    np.testing.assert_array_equal(made.keys, row.keys[0])
    np.testing.assert_array_equal(made.numbers, row.numbers[0])


def test_several_values_are_every_combination() -> None:
    given = parsed(["placement=feed", "slot_width=320", "placement=story", "slot_width=640"])
    made = {(int(one.keys[0]), float(one.numbers[0])) for one in contexts(SCHEMA, given)}
    placements = (key64("feed"), key64("story"))
    assert made == {(key, width) for key in placements for width in (320.0, 640.0)}


def test_nothing_after_the_name_is_a_request_without_the_column() -> None:
    given = parsed(["placement="])
    check(SCHEMA, given)
    [made] = contexts(SCHEMA, given)
    assert made.keys.tolist() == [0]
    assert np.isnan(made.numbers[0])


def test_number_in_a_categorical_column_is_its_text() -> None:
    assert key_of(3) == key64("3")
    assert (key_of(None), key_of("")) == (0, key64(""))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["placement"], "give it as NAME=VALUE"),
        (["placement=feed", "place=x"], "columns are placement, slot_width"),
        (["slot_width=3"], "context column placement has no value"),
    ],
)
def test_context_that_no_request_has_is_refused(options: list[str], told: str) -> None:
    with pytest.raises(ContextInvalid, match=told):
        check(SCHEMA, parsed(options))


def test_column_that_the_candidates_bring_is_not_given_twice() -> None:
    check(SCHEMA, {}, ["placement"])
    with pytest.raises(ContextInvalid, match="candidates have that column"):
        check(SCHEMA, {"placement": ["feed"]}, ["placement"])


@pytest.mark.parametrize("text", ["wide", "inf", "nan"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ContextInvalid, match=f"slot_width={text}: the column is a number"):
        contexts(SCHEMA, {"placement": ["feed"], "slot_width": [text]})


def test_too_many_combinations_are_refused() -> None:
    with pytest.raises(ContextInvalid, match="65 combinations, at most 64"):
        contexts(SCHEMA, {"placement": [str(number) for number in range(65)]})
