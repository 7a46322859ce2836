"""What a model can learn of tastes, and from what: the world must reward a long memory."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.data.adworld.world import make_log
from models.data.batches import records, shown
from models.data.causal import Replay
from models.features.records import F64, I64

CATEGORY = 4
"""Its place among the categorical item columns."""


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay.of(make_log(80_000, seed=0))


def clicks_in_category(replay: Replay, rows: I64, length: int) -> F64:
    """Smoothed click rate of the candidate's category among the user's last `length` events."""
    asked, candidates = records(replay, rows, length)
    category = replay.catalogue.columns[:, CATEGORY]
    same = category[asked.history.row][candidates.request_index]
    same = same == category[candidates.row][:, None]
    outcome = asked.history.outcome[candidates.request_index]
    seen = (same & (outcome > 0)).sum(axis=1)
    clicked = (same & (outcome & 2 > 0)).sum(axis=1)
    return np.asarray((clicked + 0.04 * 4) / (seen + 4))


def test_a_long_history_tells_tastes_that_a_short_one_does_not(replay: Replay) -> None:
    rows = replay.requests_in(replay.log.periods.test)
    clicked = replay.labels[shown(replay, rows).impression][:, 0]
    auc = {n: roc_auc_score(clicked, clicks_in_category(replay, rows, n)) for n in (20, 200)}
    assert auc[20] < 0.65
    assert auc[200] > auc[20] + 0.06


def test_the_last_twenty_impressions_hold_less_than_one_click(replay: Replay) -> None:
    rows = replay.requests_in(replay.log.periods.test)
    asked, _ = records(replay, rows, 20)
    assert ((asked.history.outcome & 2) > 0).sum(axis=1).mean() < 1.0


def test_most_users_have_a_long_past_when_the_test_begins(replay: Replay) -> None:
    users = np.arange(len(replay.user_columns))
    instant_ms = np.full(len(users), replay.log.periods.test_from_ms)
    span = replay.users.before(users, instant_ms)
    assert np.median(span.end - span.start) > 80
    rows = replay.requests_in(replay.log.periods.test)
    span = replay.users.before(replay.user[rows], replay.time_ms[rows])
    assert np.median(span.end - span.start) > 100


def test_the_truth_ranks_better_than_anything_learnt_can(replay: Replay) -> None:
    rows = replay.log.impressions
    assert 0.80 < roc_auc_score(rows["click"], rows["truth_click"]) < 0.90
