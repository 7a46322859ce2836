"""The one features function: shapes, the meaning of each number, and what is missing."""

import math

import numpy as np
import pytest

from models.data.batches import records
from models.data.causal import Replay
from models.features.build import build
from models.features.cached import no_answer
from models.features.encoding import Encoding
from models.features.hashing import key64
from models.features.item_table import ItemTable
from models.features.records import CacheAnswer, Candidates, Hints, Override, Requests, ZSequence
from models.schema import TIERS, Column, FeatureSchema
from tests.models.data.small_logs import random_log

LENGTH, DIM = 6, 4
REPLAY = Replay.of(random_log(11, 40))
SCHEMA = FeatureSchema(
    log=REPLAY.log.schema,
    history_length=LENGTH,
    teacher_dim=DIM,
    reads_sequence=True,
    prior_rates=(0.3, 0.3),
)
ITEMS = ItemTable.of(SCHEMA, REPLAY.catalogue)
ROWS = np.arange(40)


def asked() -> tuple[Requests, Candidates]:
    return records(REPLAY, ROWS, LENGTH)


def answer(requests: int, count: int) -> CacheAnswer:
    rng = np.random.default_rng(1)
    said = rng.integers(0, 2, (requests, LENGTH)).astype(np.float32)
    z = rng.normal(size=(requests, LENGTH, DIM)) * said[..., None]
    return CacheAnswer(hints(count), ZSequence(z.astype(np.float32), said))


def hints(count: int) -> Hints:
    rng = np.random.default_rng(0)
    tier = rng.integers(0, len(TIERS), count)
    z = rng.normal(size=(count, DIM)).astype(np.float32)
    return Hints(
        z, rng.normal(size=(count, 2)).astype(np.float32), tier, np.full(count, 60.0, "f4")
    )


def test_every_declared_input_is_built_with_its_dtype_and_shape() -> None:
    requests, candidates = asked()
    arrays = build(SCHEMA, ITEMS, requests, candidates, answer(len(ROWS), len(candidates.row)))
    widest = int(np.bincount(candidates.request_index).max())
    sizes = {"R": len(ROWS), "N": len(candidates.row), "K": widest}
    assert set(arrays) == {spec.name for spec in SCHEMA.inputs()}
    for spec in SCHEMA.inputs():
        shape = tuple(sizes[axis] if isinstance(axis, str) else axis for axis in spec.shape)
        assert arrays[spec.name].shape == shape, spec.name
        assert arrays[spec.name].dtype == spec.dtype, spec.name
        assert np.isfinite(arrays[spec.name]).all(), spec.name


def test_a_model_that_reads_no_teacher_is_given_none() -> None:
    alone = SCHEMA.model_copy(update={"teacher_dim": 0, "reads_sequence": False})
    arrays = build(alone, ITEMS, *asked())
    told = {spec.name for spec in SCHEMA.inputs() if spec.source in ("teacher", "sequence")}
    assert not told & set(arrays)


def test_a_batch_equals_its_requests_one_at_a_time() -> None:
    whole = build(SCHEMA, ITEMS, *asked())
    index, *_ = [whole.pop(name) for name in ("request_index", "group_rows", "group_place")]
    for row in ROWS:
        alone = build(SCHEMA, ITEMS, *records(REPLAY, np.array([row]), LENGTH))
        mine = index == row
        for name, array in whole.items():
            part = array[mine] if len(array) == len(index) else array[row : row + 1]
            assert part.tobytes() == alone[name].tobytes(), name


def test_missing_categories_read_bucket_zero_and_others_never_do() -> None:
    column = Column(name="brand", kind="categorical", buckets=64)
    keys = np.array([[0], [1], [63], [64], [key64("x")]], np.uint64)
    rows = Encoding.of((column,)).buckets(keys)[:, 0]
    assert rows[0] == 0
    assert (rows[1:] >= 1).all()
    assert (rows < 64).all()


def test_numbers_are_squeezed_standardised_and_missing_ones_are_average() -> None:
    column = Column(name="price", kind="number", mean=1.0, scale=2.0)
    values = np.array([[math.e - 1], [-(math.e - 1)], [np.nan], [0.0]], np.float32)
    assert Encoding.of((column,)).scaled(values)[:, 0].tolist() == pytest.approx(
        [0.0, -1.0, 0.0, -0.5]
    )


def test_history_is_newest_last_and_a_padded_slot_reads_zero() -> None:
    requests, candidates = asked()
    arrays = build(SCHEMA, ITEMS, requests, candidates)
    happened = arrays["history_outcome"] > 0
    assert not arrays["history_categorical"][~happened].any()
    assert not arrays["history_gap"][~happened].any()
    for row in ROWS:
        gaps = arrays["history_gap"][row][happened[row]]
        assert (np.diff(gaps) <= 0).all()
        assert (gaps > 0).all()


def test_a_shorter_window_is_the_end_of_a_longer_one() -> None:
    short = SCHEMA.model_copy(update={"history_length": 2})
    requests, candidates = asked()
    from_long = build(short, ITEMS, requests, candidates)
    from_short = build(short, ITEMS, *records(REPLAY, ROWS, 2))
    for name, array in from_long.items():
        assert array.tobytes() == from_short[name].tobytes(), name


def test_a_history_shorter_than_the_window_is_padded_in_front() -> None:
    requests, candidates = records(REPLAY, ROWS, 2)
    outcome = build(SCHEMA, ITEMS, requests, candidates)["history_outcome"]
    assert not outcome[:, : LENGTH - 2].any()
    assert outcome[:, LENGTH - 2 :].tolist() == requests.history.outcome.tolist()


def test_the_hour_of_the_day_and_the_time_since_the_last_event_are_context() -> None:
    requests, candidates = asked()
    arrays = build(SCHEMA, ITEMS, requests, candidates)
    hour = requests.now_ms // 3_600_000 % 24
    assert arrays["context_categorical"][:, 0].tolist() == (hour + 1).tolist()
    never = requests.history.outcome[:, -1] == 0
    assert never.any()
    assert (arrays["context_number"][never, -1] == -1.0).all()
    assert (arrays["context_number"][~never, -1] > 0.0).all()


def test_an_override_changes_one_candidate_and_not_the_catalogue() -> None:
    requests, candidates = asked()
    before = build(SCHEMA, ITEMS, requests, candidates)
    override = Override(candidate=3, keys={1: key64("another brand")}, numbers={0: 1e6})
    after = build(SCHEMA, ITEMS, requests, candidates._replace(overrides=(override,)))
    changed = (before["item_categorical"] != after["item_categorical"]).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [3]
    assert after["item_number"][3, 0] > before["item_number"][3, 0]
    again = build(SCHEMA, ITEMS, requests, candidates)
    assert again["item_number"].tobytes() == before["item_number"].tobytes()


def test_an_overridden_value_reads_as_if_the_catalogue_held_it() -> None:
    requests, candidates = asked()
    brands = {row: int(REPLAY.catalogue.columns[row, 1]) for row in candidates.row.tolist()}
    override = Override(candidate=0, keys={1: brands[int(candidates.row[1])]}, numbers={})
    arrays = build(SCHEMA, ITEMS, requests, candidates._replace(overrides=(override,)))
    of_other = build(SCHEMA, ITEMS, requests, candidates)["item_categorical"][1, 1]
    assert arrays["item_categorical"][0, 1] == of_other


def test_hints_pass_through_with_mask_and_log_age() -> None:
    requests, candidates = asked()
    given = hints(len(candidates.row))
    arrays = build(SCHEMA, ITEMS, requests, candidates, answer(len(ROWS), len(given.tier)))
    known = given.tier > 0
    assert arrays["teacher_z"].tobytes() == given.z.tobytes()
    assert arrays["teacher_state"][:, 0].tolist() == known.astype(float).tolist()
    assert arrays["teacher_state"][known, 1].tolist() == pytest.approx(
        [math.log1p(60.0) / 10.0] * int(known.sum())
    )
    assert not arrays["teacher_state"][~known].any()


def test_sequence_passes_through() -> None:
    requests, candidates = asked()
    given = answer(len(ROWS), len(candidates.row))
    arrays = build(SCHEMA, ITEMS, requests, candidates, given)
    assert given.sequence is not None
    assert arrays["history_z"].tobytes() == given.sequence.z.tobytes()
    assert arrays["history_said"].tobytes() == given.sequence.said.tobytes()


def test_an_empty_cache_reads_as_misses() -> None:
    requests, candidates = asked()
    count = len(candidates.row)
    silent = build(SCHEMA, ITEMS, requests, candidates)
    nothing = no_answer(SCHEMA, len(ROWS), count)
    explicit = build(SCHEMA, ITEMS, requests, candidates, nothing)
    names = [spec.name for spec in SCHEMA.inputs() if spec.source in ("teacher", "sequence")]
    for name in names:
        assert not silent[name].any()
        assert silent[name].tobytes() == explicit[name].tobytes()


def test_nothing_is_asked_and_nothing_answered() -> None:
    arrays = build(SCHEMA, ITEMS, *records(REPLAY, np.array([], np.int64), LENGTH))
    assert all(len(array) == 0 for array in arrays.values())
