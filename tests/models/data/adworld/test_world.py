import numpy as np
import polars as pl
import pytest

from models.data.adworld.ads import DAY_MS, HOUR_MS
from models.data.adworld.outcomes import likes
from models.data.adworld.sessions import PRIME_HOUR
from models.data.adworld.world import ORIGIN_MS, World, log_of, make_log, make_world
from models.data.log import Log

IMPRESSIONS = 60_000


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(IMPRESSIONS, seed=0)


@pytest.fixture(scope="module")
def log(world: World) -> Log:
    return log_of(world, IMPRESSIONS, seed=0)


def calls_of(log: Log) -> pl.DataFrame:
    """One row a request, with its list, ordered by user and time."""
    assert log.requests is not None
    asked = log.impressions.unique("request_id", keep="first", maintain_order=True)
    return asked.join(log.requests, on="request_id").sort("user_id", "timestamp_ms")


def test_the_world_is_a_valid_log_of_the_size_asked_for() -> None:
    log = make_log(IMPRESSIONS, seed=3).validate()
    assert len(log.impressions) == IMPRESSIONS


def test_a_seed_makes_the_same_world_and_another_seed_another() -> None:
    one, again, other = (make_log(5_000, seed) for seed in (1, 1, 2))
    assert one.schema == again.schema
    assert one.impressions.equals(again.impressions)
    assert one.items.equals(again.items)
    assert one.users.equals(again.users)
    assert one.requests is not None
    assert again.requests is not None
    assert one.requests.equals(again.requests)
    assert not one.impressions.equals(other.impressions)


def test_calls_come_back_as_soon_as_published(log: Log) -> None:
    calls = calls_of(log)
    gap_ms = calls.select(pl.col("timestamp_ms").diff().over("user_id")).to_series().drop_nulls()
    assert (gap_ms < 60_000).mean() == pytest.approx(0.52, abs=0.02)
    assert (gap_ms < 600_000).mean() == pytest.approx(0.76, abs=0.02)


def test_three_candidates_in_four_were_offered_a_call_ago(log: Log) -> None:
    calls = calls_of(log).with_columns(
        gap_ms=pl.col("timestamp_ms").diff().over("user_id"),
        before=pl.col("candidates").shift(1).over("user_id"),
    )
    within = calls.filter(pl.col("gap_ms") < 600_000)
    common = within["candidates"].list.set_intersection(within["before"]).list.len()
    assert (common / within["candidates"].list.len()).mean() == pytest.approx(0.75, abs=0.02)


def test_slates_have_fifty_to_five_hundred_candidates(log: Log) -> None:
    assert log.requests is not None
    lists = log.requests["candidates"]
    sizes = lists.list.len().to_numpy()
    assert 120 < sizes.mean() < 180
    # Campaigns that end within a session may take a few from the smallest.
    assert sizes.min() > 35
    assert np.quantile(sizes, 0.01) >= 50
    assert 200 < sizes.max() <= 500
    assert (lists.list.n_unique() == lists.list.len()).all()


def test_no_ad_is_offered_outside_its_campaign(log: Log) -> None:
    pairs = calls_of(log)[:500].explode("candidates", empty_as_null=True, keep_nulls=True)
    joined = pairs.join(log.items, left_on="candidates", right_on="item_id")
    ended = joined["live_until_ms"] <= joined["timestamp_ms"]
    early = joined["live_from_ms"] > joined["timestamp_ms"]
    assert len(joined) > 10_000
    assert not ended.any()
    assert not early.any()


def test_campaigns_start_and_end_while_the_log_runs(log: Log) -> None:
    periods = log.periods
    inside = log.items.filter(
        (pl.col("live_from_ms") > periods.history_from_ms)
        & (pl.col("live_until_ms") < periods.until_ms)
    )
    new = log.items.filter(pl.col("live_from_ms") >= periods.test_from_ms)
    assert len(inside) > 50
    assert len(new) > 20


def test_labels_are_drawn_from_the_probability_kept_beside_them(log: Log) -> None:
    rows = log.impressions
    assert 0.03 < float(rows["click"].to_numpy().mean()) < 0.05
    for task in ("click", "conversion"):
        truth = rows[f"truth_{task}"].to_numpy()
        decile = np.argsort(np.argsort(truth)) * 10 // len(truth)
        drawn = rows[task].to_numpy()
        for part in range(10):
            mine = decile == part
            expected = truth[mine].sum()
            spread = np.sqrt((truth[mine] * (1 - truth[mine])).sum())
            assert abs(drawn[mine].sum() - expected) < 4.5 * spread + 1


def test_a_conversion_needs_a_click(log: Log) -> None:
    rows = log.impressions
    assert rows["conversion"].sum() > 50
    assert (rows.filter(pl.col("conversion") == 1)["click"] == 1).all()
    assert (rows["truth_conversion"] < rows["truth_click"]).all()


def test_first_positions_are_clicked_more_than_last(log: Log) -> None:
    by_position = log.impressions.group_by("position").agg(pl.col("truth_click").mean())
    rate: dict[int, float] = dict(by_position.iter_rows())
    assert rate[1] > 1.25 * rate[10]


def test_the_evening_hour_holds_most_requests(log: Log) -> None:
    time_ms = log.impressions["timestamp_ms"].to_numpy()
    prime = (time_ms - ORIGIN_MS) % DAY_MS // HOUR_MS == PRIME_HOUR
    assert prime.mean() > 0.6
    assert prime[time_ms >= log.periods.test_from_ms].mean() > 0.6


def test_tastes_drift_slowly(world: World) -> None:
    liked = world.people.likes_category
    kept_a_day = (liked[:, 1:] == liked[:, :-1]).mean()
    assert 0.93 < kept_a_day < 0.99
    assert (liked[:, -1] == liked[:, 0]).mean() < 0.85


def test_tastes_are_worth_more_than_everything_else_together(world: World) -> None:
    liked = likes(world.seen, world.people, world.ads).category > 0
    rate = world.outcomes.click_probability
    assert 0.08 < liked.mean() < 0.25
    assert rate[liked].mean() > 5 * rate[~liked].mean()


def test_neither_users_nor_ads_alone_tell_a_taste(world: World) -> None:
    """What a counter could learn: the mean click probability of a user, and of an ad."""
    truth, liked = world.outcomes.click_probability, likes(world.seen, world.people, world.ads)
    for owner in (world.seen.user, world.seen.ad):
        size = np.bincount(owner)
        mean = np.bincount(owner, truth) / np.maximum(size, 1)
        explained = float(np.corrcoef(mean[owner], liked.category)[0, 1])
        assert explained < 0.25
