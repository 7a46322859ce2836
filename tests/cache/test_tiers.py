import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.arrays import U64
from cache.entries import Aggregate
from cache.page import Page
from cache.quantise import Precision
from cache.sequence import MAX_AGE_MS
from cache.tiers import NONE, PAIR, USER, Lookup, Resolved, TtlPolicy, resolve
from models.schema import TIERS
from server.settings import Settings
from tests.cache.pages import NOW_MS, page_of, random_entries

TTL = TtlPolicy(soft_s=60.0, hard_s=600.0)


def keys(*values: int) -> U64:
    return np.array(values, np.uint64)


def looked_up(page: Page | None, asked: U64, dim: int = 32, tasks: int = 2) -> Resolved:
    return resolve([Lookup(page, asked, NOW_MS)], TTL, dim, tasks)


def test_a_miss_stays_one_for_a_model_that_reads_no_users_mean() -> None:
    lookup = Lookup(page_of(random_entries(3)), keys(10, 15), NOW_MS)
    resolved = resolve([lookup], TTL, 32, 2, reads_user=False)
    assert resolved.tier.tolist() == [PAIR, NONE]
    assert not resolved.z[1].any()
    assert resolved.age_s.tolist() == [0.0, 0.0]


def test_codes_are_the_positions_that_students_learned() -> None:
    assert [TIERS[code] for code in (NONE, USER, PAIR)] == ["none", "user", "pair"]


@pytest.mark.parametrize("precision", list(Precision))
def test_known_pair_gives_its_embedding_and_others_the_users(precision: Precision) -> None:
    entries = random_entries(5, precision=precision, age_ms=1000)
    resolved = looked_up(page_of(entries), keys(30, 31, 10))
    assert resolved.tier.tolist() == [PAIR, USER, PAIR]
    np.testing.assert_array_equal(resolved.z[[0, 2]], entries.z()[[2, 0]])
    np.testing.assert_array_equal(resolved.z[1], page_of(entries).aggregate.z)
    np.testing.assert_array_equal(resolved.logit[[0, 2]], entries.logit[[2, 0]])
    assert not resolved.logit[1].any()
    assert resolved.age_s.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("age_ms", "tier", "stale"),
    [
        (60_000, PAIR, False),
        (60_001, PAIR, True),
        (600_000, PAIR, True),
        (600_001, NONE, False),
        (-5_000, PAIR, False),
    ],
)
def test_entry_is_hit_then_stale_then_miss(age_ms: int, tier: int, stale: bool) -> None:
    page = page_of(random_entries(1, age_ms=age_ms))
    resolved = looked_up(page, keys(10))
    assert (resolved.tier[0], resolved.stale[0]) == (tier, stale)
    assert resolved.z.any() == (tier == PAIR)
    assert resolved.age_s[0] == (max(age_ms, 0) / 1000 if tier == PAIR else 0.0)


def test_expired_pair_reads_as_its_live_user() -> None:
    entries = random_entries(2)
    entries.computed_at_ms[0] -= 601_000
    resolved = looked_up(page_of(entries), keys(10, 20))
    assert resolved.tier.tolist() == [USER, PAIR]


def test_stale_aggregate_says_so() -> None:
    resolved = resolve(
        [Lookup(page_of(random_entries(1, age_ms=61_000)), keys(5), NOW_MS)], TTL, 32, 2
    )
    assert (resolved.tier[0], resolved.stale[0]) == (USER, True)


@pytest.mark.parametrize(("dim", "tasks"), [(16, 2), (32, 1)])
def test_page_of_another_width_is_no_page(dim: int, tasks: int) -> None:
    resolved = looked_up(page_of(random_entries(3)), keys(10), dim, tasks)
    assert resolved.tier.tolist() == [NONE]
    assert resolved.z.shape == (1, dim)
    assert resolved.logit.shape == (1, tasks)


def test_no_page_and_no_candidates_resolve_to_nothing() -> None:
    assert looked_up(None, keys(1, 2), 8, 2).tier.tolist() == [NONE, NONE]
    assert looked_up(page_of(random_entries(3)), keys()).z.shape == (
        0,
        32,
    )


def test_page_with_an_aggregate_alone_serves_the_user_tier() -> None:
    page = page_of(random_entries(0))._replace(
        aggregate=Aggregate(np.ones(32, np.float32), 3, NOW_MS)
    )
    resolved = looked_up(page, keys(1))
    assert resolved.tier.tolist() == [USER]
    assert resolved.z.all()


@given(st.lists(st.integers(0, 100), max_size=30), st.integers(0, 8))
def test_pair_tier_is_exactly_membership(asked: list[int], held: int) -> None:
    page = page_of(random_entries(held, dim=4))
    resolved = looked_up(page, np.array(asked, np.uint64), 4, 2)
    known = {10 * (row + 1) for row in range(held)}
    assert (resolved.tier == PAIR).tolist() == [key in known for key in asked]


def some_page(kind: str) -> Page | None:
    pages = {
        "none": None,
        "fresh": page_of(random_entries(3, age_ms=1000)),
        "stale": page_of(random_entries(4, age_ms=61_000)),
        "expired": page_of(random_entries(2, age_ms=601_000)),
        "half floats": page_of(random_entries(3, precision=Precision.FP16)),
        "nibbles": page_of(random_entries(3, precision=Precision.INT4)),
        "other width": page_of(random_entries(3, dim=16)),
        "empty": page_of(random_entries(0)),
    }
    return pages[kind]


KINDS = ["none", "fresh", "stale", "expired", "half floats", "nibbles", "other width", "empty"]
ASKED = st.tuples(st.sampled_from(KINDS), st.lists(st.sampled_from([10, 20, 30, 31, 99])))


@given(st.lists(ASKED, min_size=1, max_size=5))
def test_requests_resolved_together_are_those_resolved_alone(
    asked: list[tuple[str, list[int]]],
) -> None:
    lookups = [Lookup(some_page(kind), keys(*items), NOW_MS) for kind, items in asked]
    together = resolve(lookups, TTL, 32, 2)
    alone = [resolve([lookup], TTL, 32, 2) for lookup in lookups]
    for column, parts in zip(together, zip(*alone, strict=True), strict=True):
        np.testing.assert_array_equal(column, np.concatenate(parts))


def test_gateway_and_refresher_agree_on_what_is_stale_by_default() -> None:
    gateway = Settings.model_fields
    assert gateway["soft_ttl_s"].default == TtlPolicy().soft_s
    assert gateway["hard_ttl_s"].default == TtlPolicy().hard_s


@pytest.mark.parametrize("ttl", [(0.0, 1.0), (2.0, 1.0), (1.0, MAX_AGE_MS / 1000 + 1)])
def test_impossible_ttl_is_refused(ttl: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="soft"):
        TtlPolicy(*ttl)
