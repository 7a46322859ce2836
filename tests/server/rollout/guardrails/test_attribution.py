"""Events are joined to the answers they belong to, once these are complete, and only then."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features.hashing import keys64
from server.rollout.guardrails.attribution import (
    GRACE_S,
    MOST_OF_A_USER,
    Attribution,
    Held,
    Outcome,
    Settled,
    Slate,
)

WINDOW_S = 600.0
A, B = keys64(["a", "b"]).tolist()
OVER_S = WINDOW_S + GRACE_S


def slate(
    user: str = "u", at_ms: int = 0, items: str = "ab", bids: Any = None, request_id: str = ""
) -> Slate:
    worth = None if bids is None else np.array(bids, np.float32)
    return Slate(user, at_ms, keys64(list(items)), worth, request_id)


def shown(attribution: Attribution, lane: str = "canary", at_s: float = 0.0, **of: Any) -> Held:
    held = attribution.show(slate(**of), at_s)
    assert held is not None
    held.scores[lane] = np.linspace(0.5, 0.25, len(held.slate.keys), dtype=np.float32)
    return held


def settled(attribution: Attribution, now_s: float = 1e9) -> list[Settled]:
    return [outcome.settled for outcome in attribution.settle(now_s)]


def clicks(attribution: Attribution) -> list[tuple[int, float]]:
    return [(each.impressions, each.clicks) for each in settled(attribution)]


def test_answer_is_settled_once_and_when_no_event_of_its_window_can_still_come() -> None:
    attribution = Attribution(WINDOW_S, is_all_shown=True)
    shown(attribution, at_s=100.0)
    assert settled(attribution, 100.0 + OVER_S - 0.1) == []
    [found] = settled(attribution, 100.0 + OVER_S)
    assert found == Settled("u", 2, 0.75, 0.25 + 0.1875, 0.0, 0.0)
    assert settled(attribution) == []
    assert not attribution.knows("u")


def test_what_no_impression_told_of_was_not_shown_and_its_click_is_none() -> None:
    attribution = Attribution(WINDOW_S)
    shown(attribution)
    assert attribution.impression("u", B, 10)
    assert attribution.click("u", A, 20)
    [found] = settled(attribution)
    assert found == Settled("u", 1, 0.25, 0.1875, 0.0, 0.0)


def test_answer_of_which_nothing_was_shown_does_not_count() -> None:
    attribution = Attribution(WINDOW_S)
    shown(attribution)
    attribution.click("u", A, 20)
    assert settled(attribution) == []


def test_event_that_names_its_request_goes_to_that_answer_and_not_to_the_newest() -> None:
    attribution = Attribution(WINDOW_S)
    for number in range(3):
        shown(attribution, at_ms=number, at_s=float(number), request_id=f"r{number}")
    for name in ("r0", "r1"):
        assert attribution.impression("u", A, 10, name)
    assert attribution.click("u", A, 20, "r0")
    assert clicks(attribution) == [(1, 1.0), (1, 0.0)]


def test_event_that_names_its_request_may_be_dated_by_a_slow_clock() -> None:
    attribution = Attribution(WINDOW_S, is_all_shown=True)
    shown(attribution, at_ms=1000, request_id="r")
    assert not attribution.click("u", A, 900)
    assert attribution.click("u", A, 900, "r")
    assert clicks(attribution) == [(2, 1.0)]


def test_event_that_names_an_answer_given_elsewhere_is_nobodys_here() -> None:
    attribution = Attribution(WINDOW_S, is_all_shown=True)
    shown(attribution, request_id="here")
    assert not attribution.impression("u", A, 10, "elsewhere")
    assert not attribution.click("u", A, 20, "elsewhere")
    assert clicks(attribution) == [(2, 0.0)]


def test_request_that_is_named_showed_nothing_but_what_it_answered_in_its_window() -> None:
    attribution = Attribution(WINDOW_S, is_all_shown=True)
    shown(attribution, items="a", request_id="r")
    assert not attribution.click("u", B, 20, "r")
    assert not attribution.click("v", A, 20, "r")
    assert not attribution.click("u", A, round(WINDOW_S * 1000), "r")
    assert clicks(attribution) == [(1, 0.0)]


@pytest.mark.parametrize("order", [("impression", "click"), ("click", "impression")])
def test_click_counts_though_its_impression_is_told_later(order: tuple[str, str]) -> None:
    attribution = Attribution(WINDOW_S)
    shown(attribution)
    for kind in order:
        assert getattr(attribution, kind)("u", A, 20)
    assert clicks(attribution) == [(1, 1.0)]


def test_event_told_twice_counts_once() -> None:
    attribution = Attribution(WINDOW_S)
    shown(attribution, bids=[3.0, 5.0])
    for _ in range(2):
        attribution.impression("u", B, 20)
        attribution.click("u", B, 30)
    [found] = settled(attribution)
    assert (found.impressions, found.clicks, found.value) == (1, 1.0, 5.0)


def test_clicks_are_worth_their_bids_and_one_each_without() -> None:
    attribution = Attribution(WINDOW_S, is_all_shown=True)
    for bids in ([2.0, 3.0], None):
        shown(attribution, user=str(bids), bids=bids)
        for item in (A, B):
            attribution.click(str(bids), item, 10)
    assert [each.value for each in settled(attribution)] == [5.0, 2.0]


@pytest.mark.parametrize("is_all_shown", [True, False])
@pytest.mark.parametrize(
    ("user", "item", "at_ms"),
    [("u", A, 600_000), ("u", A, -1), ("other", A, 10), ("u", 7, 10)],
    ids=["late", "before the request", "another user", "another item"],
)
def test_event_that_belongs_to_nothing_does_not_count(
    is_all_shown: bool, user: str, item: int, at_ms: int
) -> None:
    attribution = Attribution(WINDOW_S, is_all_shown=is_all_shown)
    shown(attribution)
    attribution.impression("u", A, 1)
    assert not attribution.impression(user, item, at_ms)
    assert not attribution.click(user, item, at_ms)
    assert sum(each.clicks for each in settled(attribution)) == 0.0


def test_newest_answer_is_credited_and_of_a_click_the_newest_that_showed_it() -> None:
    attribution = Attribution(WINDOW_S)
    shown(attribution, at_ms=0)
    attribution.impression("u", A, 5)
    shown(attribution, at_ms=10, at_s=0.01)
    attribution.click("u", A, 20)  # the second answer has shown nothing yet
    attribution.impression("u", A, 30)
    attribution.click("u", A, 40)
    assert clicks(attribution) == [(1, 1.0), (1, 1.0)]


def test_both_lanes_of_a_shadowed_answer_settle_together_or_not_at_all() -> None:
    attribution = Attribution(WINDOW_S, is_all_shown=True, lanes=2)
    both = shown(attribution, "stable")
    both.scores["canary"] = np.array([0.25, 0.25], np.float32)
    shown(attribution, "stable", user="alone")
    attribution.click("u", B, 10)
    found = list(attribution.settle(1e9))
    assert found == [
        Outcome("stable", Settled("u", 2, 0.75, 0.4375, 1.0, 1.0)),
        Outcome("canary", Settled("u", 2, 0.5, 0.375, 1.0, 1.0)),
    ]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 8)), max_size=200))
def test_a_flood_finds_no_room_and_what_leaves_makes_some(flood: list[tuple[int, int]]) -> None:
    attribution = Attribution(WINDOW_S, is_all_shown=True, answers=20, items=60)
    for at_s, (user, count) in enumerate(flood):
        attribution.show(slate(f"u-{user}", items="abcdefgh"[:count]), float(at_s))
        assert len(attribution) <= 20
        assert sum(len(held.slate.keys) for held in attribution._order) <= 60
    list(attribution.settle(1e9))
    assert (len(attribution), attribution._items, dict(attribution._by_user)) == (0, 0, {})
    assert attribution.show(slate(), 1e9) is not None


def test_one_user_takes_no_more_than_its_share_of_the_room() -> None:
    attribution = Attribution(WINDOW_S)
    held = [attribution.show(slate(), 0.0) for _ in range(MOST_OF_A_USER + 5)]
    assert sum(each is not None for each in held) == MOST_OF_A_USER
    assert attribution.show(slate("v"), 0.0) is not None


def test_certain_scores_have_no_spread_however_they_are_rounded() -> None:
    attribution = Attribution(WINDOW_S, is_all_shown=True)
    held = shown(attribution, items="abcdefg")
    held.scores["canary"] = np.full(7, np.float32(1.0 - 6e-8))
    [found] = settled(attribution)
    assert 0.0 <= found.spread < 1e-5


@given(st.data())
def test_events_in_any_order_leave_the_same_outcome(data: st.DataObject) -> None:
    told = [("impression", A, 5), ("impression", B, 6), ("click", B, 7), ("click", B, 7)]
    attribution = Attribution(WINDOW_S)
    shown(attribution)
    for kind, item, at_ms in data.draw(st.permutations(told)):
        getattr(attribution, kind)("u", item, at_ms)
    assert clicks(attribution) == [(2, 1.0)]
