"""What a cache is taken to hold of one teacher's word on a log."""

import numpy as np
import pytest

from models.annotation.annotations import Annotations, nothing_said
from models.caches import Caches
from models.data.causal import Replay
from models.features.records import Hints
from models.replay.sequence import SequenceNotes
from models.schema import TIERS, Tier
from tests.models.data.small_logs import random_log

REPLAY = Replay.of(random_log(11, 200))
DIM, LENGTH = 3, 4
REQUESTS = np.arange(len(REPLAY.time_ms))
IMPRESSIONS = np.arange(len(REPLAY.item))
VALUES: dict[Tier, float] = {"item": 1.0, "user": 2.0, "neighbour": 3.0, "pair": 4.0}


def hints(tier: Tier) -> Hints:
    count, value = len(IMPRESSIONS), VALUES[tier]
    return Hints(
        np.full((count, DIM), value, np.float32),
        np.full((count, 2), value if tier == "pair" else 0.0, np.float32),
        np.full(count, TIERS.index(tier)),
        np.full(count, value, np.float32),
    )


def said() -> Annotations:
    """Everything, on everything."""
    silent = nothing_said(REPLAY, DIM)
    item, user, neighbour, pair = map(hints, VALUES)
    z = np.full((len(IMPRESSIONS), DIM), 0.5, np.float16)
    start = REPLAY.users.offsets[REPLAY.user]
    end = REPLAY.users.before(REPLAY.user, REPLAY.time_ms).end
    return silent._replace(
        item=item, user=user, neighbour=neighbour, pair=pair, sequence=SequenceNotes(z, start, end)
    )


NOTES = said()
ALL: tuple[Tier, ...] = ("item", "user", "neighbour")
CACHES = Caches(REPLAY, NOTES, ALL, LENGTH)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_coverage_is_the_share_asked_for(share: float) -> None:
    told = CACHES.holding(share, rng())(REQUESTS, IMPRESSIONS).hints
    assert np.mean(told.tier == TIERS.index("pair")) == pytest.approx(share, abs=0.07)
    assert not told.z[told.tier == TIERS.index("none")].any()


@pytest.mark.parametrize("tiers", [ALL[:1], ALL[:2], ALL])
def test_the_best_tier_that_is_there_stands_in_without_a_logit(tiers: tuple[Tier, ...]) -> None:
    told = CACHES.holding(0.5, rng(), tiers=tiers)(REQUESTS, IMPRESSIONS).hints
    lent = told.tier != TIERS.index("pair")
    assert 0.0 < lent.mean() < 1.0
    assert set(told.tier[lent]) == {TIERS.index(tiers[-1])}
    assert (told.z[lent] == VALUES[tiers[-1]]).all()
    assert (told.age_s[lent] == VALUES[tiers[-1]]).all()
    assert not told.logit[lent].any()


def test_a_tier_lends_nothing_where_it_has_nothing() -> None:
    notes = NOTES._replace(user=nothing_said(REPLAY, DIM).user)
    caches = Caches(REPLAY, notes, ALL[1:2])
    told = caches.holding(0.0, rng(), tiers=ALL[1:2])(REQUESTS, IMPRESSIONS)
    assert not told.hints.tier.any()
    assert told.sequence is None


def test_dropping_shows_every_tier_and_sequence_over_many_batches() -> None:
    cache = CACHES.dropping(rng())
    told = [cache(REQUESTS, IMPRESSIONS) for _ in range(20)]
    assert set(np.concatenate([each.hints.tier for each in told])) == set(range(len(TIERS)))
    kept = [np.mean(each.sequence.said[-50:, -1]) for each in told if each.sequence]
    assert min(kept) < 0.4 < max(kept)


def test_without_pairs_a_sequence_is_all_there_is() -> None:
    told = CACHES.dropping(rng(), has_pairs=False)(REQUESTS, IMPRESSIONS)
    assert not told.hints.tier.any()
    assert told.sequence is not None
    assert told.sequence.z.any()


def test_replayed_cache_reads_as_held_and_what_is_below() -> None:
    held = np.arange(len(IMPRESSIONS)) % len(TIERS)
    caches = Caches(REPLAY, NOTES._replace(held=held), ALL[1:2])
    told = caches.held()(REQUESTS, IMPRESSIONS).hints
    user, pair = TIERS.index("user"), TIERS.index("pair")
    assert (told.tier[held == pair] == pair).all()
    assert (told.tier[held == user] == user).all()
    assert (told.tier[held == TIERS.index("neighbour")] == user).all()
    assert not told.tier[held < user].any()


def test_what_is_told_is_the_callers_own() -> None:
    CACHES.holding(1.0, rng())(REQUESTS, IMPRESSIONS).hints.z[:] = 9.0
    assert (NOTES.pair.z == VALUES["pair"]).all()
