import numpy as np
import pytest

from models.data.causal import Replay
from models.features.records import F32, I64
from models.simulation.errors import LogUnsuited
from models.simulation.scores import item_rates
from models.simulation.trace_of_log import first_ms, trace_of
from tests.models.data.small_logs import DAY_MS, START_MS, log_of, random_log, with_candidates


def listed(seed: int = 0) -> Replay:
    """Every request has a list from the second day on; two tabs and no tab are the contexts."""
    log = random_log(seed, requests=60)
    late = log.impressions.filter(log.impressions["timestamp_ms"] >= START_MS + DAY_MS)
    shown = late.group_by("request_id", maintain_order=True).agg("item_id")
    lists = [
        (name, sorted({*items, "i0", "i5"}))
        for name, items in zip(shown["request_id"], shown["item_id"].to_list(), strict=True)
    ]
    return Replay.of(with_candidates(log, lists).validate())


def test_candidates_are_the_lists_of_the_log_from_the_first_one_on() -> None:
    replay = listed()
    trace = trace_of(replay, item_rates, first_ms(replay))
    assert replay.log.requests is not None
    assert len(trace) == len(replay.log.requests) < 60
    assert np.diff(trace.offsets).tolist() == replay.log.requests["candidates"].list.len().to_list()


def test_the_same_item_in_another_context_is_another_pair() -> None:
    replay = listed()
    trace = trace_of(replay, item_rates, first_ms(replay))
    context = trace.pair % 3
    tab = replay.context[replay.time_ms >= first_ms(replay), 0][trace.request]
    assert len(np.unique(np.stack([context, tab]), axis=1).T) == 3
    np.testing.assert_array_equal(trace.pair // 3, trace.item)


def test_a_log_that_ends_before_is_refused() -> None:
    with pytest.raises(LogUnsuited, match="the log ends before"):
        trace_of(listed(), item_rates, START_MS + 20 * DAY_MS)


@pytest.mark.parametrize("seed", range(5))
def test_lists_and_scores_know_nothing_of_what_comes_later(seed: int) -> None:
    """Also without lists: then they are retrieved."""
    log = random_log(seed, requests=80)
    until_ms = START_MS + 8 * DAY_MS
    early = log.impressions.filter(log.impressions["timestamp_ms"] < until_ms)
    since_ms = first_ms(Replay.of(log))
    whole = trace_of(Replay.of(log), item_rates, since_ms)
    part = trace_of(Replay.of(log_of(early)), item_rates, since_ms)
    count = len(part.pair)
    assert 0 < count < len(whole.pair)
    np.testing.assert_array_equal(part.item, whole.item[:count])
    np.testing.assert_array_equal(part.score, whole.score[:count])


def test_rates_follow_the_items_own_labels() -> None:
    replay = Replay.of(random_log(1, requests=400))
    trace = trace_of(replay, item_rates, first_ms(replay))

    def constant(replay: Replay, requests: I64, pairs: object) -> F32:
        return np.full(len(trace.pair), 0.25, np.float32)

    assert trace_of(replay, constant, first_ms(replay)).score.tolist() == [0.25] * len(trace.pair)
    assert len(np.unique(trace.score)) > 10
    assert 0.2 < float(trace.score.mean()) < 0.8
