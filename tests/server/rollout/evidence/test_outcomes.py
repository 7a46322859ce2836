"""Labels, from the events stream to the sums."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cache.events import Event
from server.rollout.evidence import outcomes as module
from server.rollout.evidence.merging import CANARY, STABLE
from server.rollout.evidence.outcomes import Outcomes
from server.rollout.evidence.witness import Witness
from server.rollout.guardrails.attribution import GRACE_S, MOST_OF_A_USER
from server.rollout.guardrails.layout import CLICKS, EXPECTED, IMPRESSIONS, SETTLED, VALUE
from tests.server.rollout.evidence.told import (
    WINDOW_S,
    Clock,
    FakeWatch,
    event,
    ranked_of,
    state_of,
    sums_of,
    tell,
    users_of,
)

OVER_S = WINDOW_S + GRACE_S


class World:
    """A gateway that follows a stream of events, from its beginning."""

    def __init__(self, **plan: Any) -> None:
        self.watch, self.clock = FakeWatch(), Clock()
        self.witness = Witness(state_of(**plan), "click", self.watch, self.clock)
        assert self.witness.outcomes is not None
        self.outcomes: Outcomes = self.witness.outcomes

    async def begin(self) -> "World":
        await self.outcomes.step()
        return self

    async def over(self) -> None:
        """The window of all that was told passes."""
        self.clock.now_s += OVER_S
        await self.outcomes.step()

    def figures(self, lane: str = CANARY) -> tuple[float, float, float]:
        """Settled answers, impressions, clicks."""
        sums = sums_of(self.witness, lane)
        grouped = [float(sums.grouped(column).sum()) for column in (SETTLED, CLICKS)]
        return grouped[0], float(sums.one(IMPRESSIONS)), grouped[1]


async def test_click_of_a_slate_counts_with_its_value_and_what_was_expected() -> None:
    world = await World().begin()
    tell(world.witness, CANARY, ranked_of(bids=[2.0, 8.0]))
    world.watch.append(event("click", "b"), event("conversion", "a"), event("click", "z"))
    await world.over()
    assert world.figures() == (1.0, 2.0, 1.0)
    sums = sums_of(world.witness, CANARY)
    assert sums.grouped(VALUE).sum() == 8.0
    assert sums.grouped(EXPECTED).sum() == 0.75
    assert world.witness.counts() == {"followed": 1, "joined": 1, "other": 2, "settled": 1}


async def test_click_that_names_another_gateways_answer_is_none_here() -> None:
    world = await World().begin()
    tell(world.witness, CANARY, ranked_of(), number=7)
    world.watch.append(
        event("click", "a", request_id="u-0-7"), event("click", "b", request_id="elsewhere-1")
    )
    await world.over()
    assert world.figures() == (1.0, 2.0, 1.0)
    assert world.witness.counts() == {"followed": 1, "joined": 1, "other": 1, "settled": 1}


async def test_by_events_only_what_was_shown_counts() -> None:
    world = await World(impressions="events").begin()
    tell(world.witness, CANARY, ranked_of())
    world.watch.append(event("click", "b"), event("impression", "b"), event("click", "a"))
    await world.over()
    assert world.figures() == (1.0, 1.0, 1.0)


async def test_both_lanes_wait_alike_for_their_labels() -> None:
    world = await World(share=0.25).begin()
    [user] = users_of(world.witness, 1)
    for lane, name in ((CANARY, "theirs"), (STABLE, user)):
        tell(world.witness, lane, ranked_of(name))
    world.watch.append(*(event("click", "a", user=name) for name in ("theirs", user)))
    world.clock.now_s += OVER_S - 0.01
    await world.outcomes.step()
    assert world.figures(CANARY) == world.figures(STABLE) == (0.0, 0.0, 0.0)
    world.clock.now_s += 0.02
    await world.outcomes.step()
    assert world.figures(CANARY) == world.figures(STABLE) == (1.0, 2.0, 1.0)


async def test_answer_of_another_task_or_of_no_candidate_waits_for_no_clicks() -> None:
    world = await World().begin()
    tell(world.witness, CANARY, ranked_of(task="conversion"))
    tell(world.witness, CANARY, ranked_of(items=(), scores=()))
    tell(world.witness, CANARY, ranked_of(task="click"))
    assert world.outcomes.waiting == 1


async def test_answer_before_the_stream_is_followed_is_not_waited_for() -> None:
    world = World()
    tell(world.witness, CANARY, ranked_of())
    await world.begin()
    await world.over()
    assert world.figures() == (0.0, 0.0, 0.0)
    assert world.witness.counts() == {"unfollowed": 1}


async def test_what_waited_while_the_store_was_away_is_let_go_of_both_lanes() -> None:
    world = await World(share=0.25).begin()
    [user] = users_of(world.witness, 1)
    tell(world.witness, CANARY, ranked_of())
    tell(world.witness, STABLE, ranked_of(user))
    world.watch.is_away = True
    await world.outcomes._step_leniently()
    tell(world.witness, CANARY, ranked_of("v"))
    world.watch.is_away = False
    await world.outcomes._step_leniently()
    await world.over()
    assert world.figures(CANARY) == world.figures(STABLE) == (0.0, 0.0, 0.0)
    assert (world.watch.begun, world.witness.counts()["away"]) == (2, 2)


async def test_what_was_trimmed_before_it_was_read_is_noticed() -> None:
    world = await World().begin()
    tell(world.witness, CANARY, ranked_of())
    world.watch.append(event("click", "a"))
    world.watch.lose()
    world.watch.append(event("click", "b"))
    await world.over()
    assert world.figures() == (0.0, 0.0, 0.0)
    assert world.witness.counts()["trimmed"] == 1
    await world.outcomes.step()
    tell(world.witness, CANARY, ranked_of())
    world.watch.append(event("click", "b"))
    await world.over()
    assert world.figures() == (1.0, 2.0, 1.0)


async def test_nothing_settles_before_all_events_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await World().begin()
    tell(world.witness, CANARY, ranked_of())
    for _ in range(module.BATCH):
        world.watch.append(event("click", "z"))
    world.watch.append(event("click", "a"))
    monkeypatch.setattr(module, "BUSY_S", 1e-9)
    await world.over()
    assert world.figures() == (0.0, 0.0, 0.0)
    await world.outcomes.step()
    assert world.figures() == (1.0, 2.0, 1.0)


async def test_stream_that_cannot_be_followed_is_noted_once_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.watch.is_away = True
    for is_away in (True, True, False, True):
        world.watch.is_away = is_away
        await world.outcomes._step_leniently()
    assert [record.getMessage() for record in caplog.records] == 2 * ["no clicks are counted: away"]
    assert world.witness.counts()["failed"] == 3


async def test_damaged_message_is_passed_over() -> None:
    world = await World().begin()
    tell(world.witness, CANARY, ranked_of())
    world.watch.append(body=b"UEX")
    world.watch.append(event("click", "a"))
    await world.over()
    assert world.figures() == (1.0, 2.0, 1.0)
    assert world.witness.counts()["damaged"] == 1


async def test_one_users_flood_is_bounded_in_both_lanes_alike() -> None:
    world = await World(share=0.25).begin()
    [user] = users_of(world.witness, 1)
    for number in range(3 * MOST_OF_A_USER):
        tell(world.witness, CANARY, ranked_of("flood", at_ms=number))
        tell(world.witness, STABLE, ranked_of(user, at_ms=number))
    assert world.outcomes.waiting == 2 * MOST_OF_A_USER
    await world.over()
    assert world.figures(CANARY) == world.figures(STABLE)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from("abc"), st.integers(-5, 700_000)), max_size=20
    ),
    st.sampled_from(["events", "slate"]),
)
async def test_gateways_that_share_the_users_find_the_outcomes_of_one_that_has_them_all(
    told: list[tuple[int, str, int]], impressions: str
) -> None:
    worlds = [await World(impressions=impressions).begin() for _ in range(4)]
    whole, parts = worlds[0], worlds[1:]
    for user in range(6):
        for world in (whole, parts[user % 3]):
            tell(world.witness, CANARY, ranked_of(f"u-{user}", at_ms=user))
    clicks = [Event(str(at), "click", f"u-{user}", item, at) for user, item, at in told]
    seen = [each._replace(kind="impression") for each in clicks[::2]]
    for world in worlds:
        for each in (*clicks, *seen):
            world.watch.append(each)
        await world.over()
    merged = sum(sums_of(part.witness, CANARY).held for part in parts)
    np.testing.assert_allclose(merged, sums_of(whole.witness, CANARY).held, rtol=1e-12)
