import numpy as np
import polars as pl
import pytest

from models.baselines.columns import Columns, Reads
from models.baselines.design import Design, DesignImpossible, design_of
from models.data.causal import Replay
from models.data.log import Log
from models.examples import Examples, features_of
from models.schema import FeatureSchema
from tests.models.data.small_logs import random_log, with_impressions

LENGTHS = (3, 8)


def features(replay: Replay) -> FeatureSchema:
    until_ms = replay.log.periods.validation_from_ms
    return features_of(replay, max(LENGTHS), teacher_dim=0, until_ms=until_ms)


def examples_of(log: Log) -> Examples:
    replay = Replay.of(log)
    return Examples.of(replay, features(replay))


def design(log: Log, requests: list[int]) -> Design:
    return design_of(examples_of(log), np.array(requests), LENGTHS)


def column(made: Design, name: str) -> np.ndarray:
    return made.categorical[:, made.columns.categorical.index(name)]


def test_every_column_has_a_name_and_a_bucket_count() -> None:
    log = random_log(1, 60)
    made, names = design(log, list(range(60))), Columns.of(log.schema)
    assert made.columns == names
    assert made.categorical.shape[1] == len(names.categorical) == len(names.buckets)
    assert (made.categorical < np.array(names.buckets)).all()
    assert made.side.shape[1] == len(names.side)
    assert made.counters.shape[1] == len(names.counters) == 2 * (1 + len(log.schema.tasks)) + 1
    for length in LENGTHS:
        assert made.matches[length].shape == (len(made), len(names.matches))
        reads = Reads(match_length=length)
        assert made.numbers(reads).shape[1] == len(names.numbers(reads))


def test_names_say_which_values_stand_in_a_column() -> None:
    log = random_log(1, 60)
    made = design(log, list(range(60)))
    rows = log.impressions[made.impression]
    for name, values in (("user.user_id", rows["user_id"]), ("context.tab", rows["tab"])):
        alike = [len(group.unique()) for group in _by_bucket(column(made, name), values)]
        assert set(alike) == {1}, name
    joined = rows.join(log.items, on="item_id", how="left", maintain_order="left")
    assert (column(made, "item.brand") == 0).tolist() == joined["brand"].is_null().to_list()
    price = made.side[:, made.columns.side.index("item.price")]
    assert np.corrcoef(price, np.log1p(joined["price"].to_numpy()))[0, 1] > 0.999


def _by_bucket(buckets: np.ndarray, values: pl.Series) -> list[pl.Series]:
    return [values.filter(pl.Series(buckets == bucket)) for bucket in np.unique(buckets)]


def test_rows_are_the_impressions_of_the_requests_in_the_logs_order() -> None:
    replay = Replay.of(random_log(2, 600))
    examples = Examples.of(replay, features(replay))
    made = design_of(examples, np.arange(10, 590), LENGTHS)
    np.testing.assert_array_equal(
        made.impression, np.arange(replay.offsets[10], replay.offsets[590])
    )
    np.testing.assert_array_equal(made.labels, replay.labels[made.impression])


def test_counts_of_a_row_are_of_strictly_earlier_events() -> None:
    log = random_log(3, 60)
    made = design(log, list(range(60)))
    place = made.columns.counters.index("item.shown")
    for row in range(len(made)):
        now = log.impressions["timestamp_ms"][row]
        item = log.impressions["item_id"][row]
        earlier = log.impressions.filter(
            (pl.col("timestamp_ms") < now) & (pl.col("item_id") == item)
        )
        assert (made.counters[row, place] > 1e-6) == (len(earlier) > 0)


def test_later_labels_leave_a_table_bit_identical() -> None:
    log = random_log(4, 60)
    asked = list(range(40))
    instant_ms = int(Replay.of(log).time_ms[39])
    later = pl.col("timestamp_ms") > instant_ms
    turned = pl.when(later).then(1 - pl.col("click").abs()).otherwise(pl.col("click"))
    changed = with_impressions(log, log.impressions.with_columns(click=turned.cast(pl.Int8)))
    before, after = (_features(source, asked) for source in (log, changed))
    for one, other in zip(before, after, strict=True):
        assert one.tobytes() == other.tobytes()
    assert any(
        one.tobytes() != other.tobytes()
        for one, other in zip(_features(log, [59]), _features(changed, [59]), strict=True)
    )


def _features(log: Log, requests: list[int]) -> list[np.ndarray]:
    """With one base rate for both logs: whatever moves here moved by a row of the log."""
    replay = Replay.of(log)
    schema = features(replay).model_copy(update={"prior_rates": (0.3, 0.3)})
    made = design_of(Examples.of(replay, schema), np.array(requests), LENGTHS)
    return [made.categorical, made.side, made.counters, *made.matches.values()]


def test_known_keeps_the_rows_with_a_label_and_all_their_columns() -> None:
    made = design(random_log(5, 60), list(range(60)))
    known = made.known(1)
    rows = np.flatnonzero(made.labels[:, 1] >= 0)
    assert 0 < len(known) < len(made)
    np.testing.assert_array_equal(known.impression, made.impression[rows])
    np.testing.assert_array_equal(known.matches[8], made.matches[8][rows])
    assert set(known.label(1)) == {0.0, 1.0}


def test_side_columns_alone_hold_no_counter() -> None:
    made = design(random_log(6, 60), list(range(60)))
    reads = Reads(counters=False)
    np.testing.assert_array_equal(made.numbers(reads), made.side)
    assert made.columns.numbers(reads) == ("user.age", "context.depth", "item.price")


def test_what_cannot_be_made_names_the_remedy() -> None:
    examples = examples_of(random_log(7, 20))
    with pytest.raises(DesignImpossible, match="no requests"):
        design_of(examples, np.arange(0))
    with pytest.raises(DesignImpossible, match="features_of"):
        design_of(examples, np.arange(5), [9])
    with pytest.raises(DesignImpossible, match="match_lengths"):
        design_of(examples, np.arange(5), LENGTHS).numbers(Reads(match_length=5))
