"""Every number of candidates has the smallest bucket that holds it, or none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.providers.buckets import axis_sizes, bucket_for, buckets_of, shape_in
from models.schema import TensorSpec
from tests.models.random_inputs import schema_of

SPECS = schema_of(history_length=6, teacher_dim=8, reads_sequence=True).inputs()


@pytest.mark.parametrize(
    ("largest", "buckets"),
    [(1, (1,)), (64, (64,)), (65, (64, 65)), (1000, (64, 128, 256, 512, 1000))],
)
def test_buckets_double_up_to_the_most_candidates(largest: int, buckets: tuple[int, ...]) -> None:
    assert buckets_of(largest) == buckets


@given(st.integers(1, 5000), st.integers(0, 6000))
def test_bucket_is_the_smallest_that_holds_them(largest: int, candidates: int) -> None:
    buckets = buckets_of(largest)
    bucket = bucket_for(candidates, buckets)
    holding = [each for each in buckets if each >= candidates]
    assert bucket == (min(holding) if holding else None)
    assert (bucket is None) == (candidates > largest)


@given(st.integers(1, 5000))
def test_padding_is_less_than_half_of_a_run_past_the_smallest(largest: int) -> None:
    buckets = buckets_of(largest)
    assert list(buckets) == sorted(set(buckets))
    assert all(larger <= 2 * smaller for smaller, larger in pairwise(buckets))


def test_shape_of_a_bucket_is_one_request_with_all_its_candidates() -> None:
    shapes = {spec.name: shape_in(spec, 128) for spec in SPECS}
    assert shapes["request_index"] == (128,)
    assert shapes["group_rows"] == (1, 128)
    assert shapes["history_z"] == (1, 6, 8)


def test_named_axes_have_the_sizes_of_the_bucket() -> None:
    specs = (
        TensorSpec(name="user", dtype="float32", shape=("R", 5)),
        TensorSpec(name="rows", dtype="int64", shape=("R", "K")),
        TensorSpec(name="place", dtype="int64", shape=("N",)),
    )
    held: dict[str, list[int | str | None]] = {"place": ["s7"], "rows": ["s0", "s1"]}
    held["user"] = ["s0", 5]
    assert axis_sizes(held, specs, 64) == {"s0": 1, "s1": 64, "s7": 64}


def test_axes_of_a_fixed_size_and_those_without_a_name_are_left_alone() -> None:
    specs = (TensorSpec(name="user", dtype="float32", shape=("R", 5)),)
    assert axis_sizes({"user": [None, 5]}, specs, 64) == {}
    assert axis_sizes({"user": [1, 5]}, specs, 64) == {}
