import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cache.arrays import I64
from cache.refresh.speculation.ledger import Ledger
from cache.tiers import TtlPolicy
from models.speculation.policy import HIT, MISS, Asked

TTL = TtlPolicy(soft_s=10.0, hard_s=60.0)


def codes(*pairs: int) -> I64:
    return np.array(pairs, np.int64)


def asked(user: int, now_ms: int, *pairs: int, standing: int = HIT) -> Asked:
    count = len(pairs)
    scores = np.zeros(count, np.float32)
    return Asked(
        user, now_ms, codes(*pairs), codes(*pairs), scores, np.full(count, standing, np.uint8)
    )


def test_entry_is_read_once_and_only_by_a_hit() -> None:
    ledger = Ledger(TTL)
    ledger.computed(1, codes(3, 5), 1000, is_speculated=True)
    ledger.heard(asked(1, 2000, 3, standing=MISS))
    assert ledger.counts["read"] == 0
    ledger.heard(asked(1, 3000, 3, 4))
    ledger.heard(asked(1, 4000, 3))
    assert (ledger.counts["read"], ledger.unread) == (1, 1)


def test_entry_that_was_demanded_is_of_no_use_to_speculation() -> None:
    ledger = Ledger(TTL)
    ledger.computed(1, codes(3), 1000, is_speculated=False)
    ledger.heard(asked(1, 2000, 3))
    assert (ledger.counts["read"], ledger.unread) == (0, 0)


def test_entry_that_is_computed_again_unread_is_wasted() -> None:
    ledger = Ledger(TTL)
    ledger.computed(1, codes(3), 1000, is_speculated=True)
    ledger.computed(1, codes(3), 5000, is_speculated=False)
    assert (ledger.counts["wasted"], ledger.unread) == (1, 0)


def test_pair_counts_as_foreseen_after_its_selection_until_the_hard_ttl() -> None:
    ledger = Ledger(TTL)
    ledger.selected(1, codes(3), 1000)
    for now_ms, foreseen in ((1000, 0), (1001, 1), (61_000, 2), (61_001, 2)):
        ledger.heard(asked(1, now_ms, 3))
        assert ledger.counts["foreseen"] == foreseen
    assert ledger.counts["asked"] == 4


def test_pair_is_fresh_until_the_soft_ttl() -> None:
    ledger = Ledger(TTL)
    ledger.computed(1, codes(3), 1000, is_speculated=False)
    ledger.selected(1, codes(4), 1000)
    assert ledger.is_fresh(1, codes(3, 4, 5), 11_000).tolist() == [True, False, False]
    assert not ledger.is_fresh(1, codes(3), 11_001).any()
    assert not ledger.is_fresh(2, codes(3), 1000).any()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.sets(st.integers(-3, 6), min_size=1),
            st.integers(0, 30_000),
            st.sampled_from(["selected", "speculated", "demanded", "heard", "missed"]),
        ),
        max_size=40,
    )
)
def test_speculated_is_read_wasted_or_unread_and_all_is_bounded(
    told: list[tuple[int, set[int], int, str]],
) -> None:
    ledger = Ledger(TTL, users=3, pairs=4)
    now_ms = speculated = 0
    for user, pairs, passed_ms, what in told:
        now_ms += passed_ms
        some = codes(*sorted(pairs))
        if what == "selected":
            ledger.selected(user, some, now_ms)
        elif what in ("heard", "missed"):
            ledger.heard(
                asked(user, now_ms, *sorted(pairs), standing=HIT if what == "heard" else MISS)
            )
        else:
            ledger.computed(user, some, now_ms, what == "speculated")
            speculated += len(pairs) if what == "speculated" else 0
        counts = ledger.counts
        assert speculated == counts["read"] + counts["wasted"] + ledger.unread
        assert ledger.unread <= 3 * 4
        assert counts["foreseen"] <= counts["asked"]
