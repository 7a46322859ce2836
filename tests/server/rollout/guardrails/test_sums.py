"""Sums of parts are those of the whole, and bytes give back what they were made of."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.schema import TIERS
from server.rollout.guardrails.agreement import Agreement
from server.rollout.guardrails.attribution import Settled
from server.rollout.guardrails.counting import (
    Answer,
    count_answer,
    count_error,
    count_settled,
    count_shadow,
)
from server.rollout.guardrails.errors import SumsUnreadable
from server.rollout.guardrails.layout import DEGRADED, REQUESTS, VERSION, WIDTH
from server.rollout.guardrails.sums import SIZE, Sums
from tests.server.rollout.guardrails.counted import counted

# Halves, so that sums are exact in any order.
HALVES = st.integers(0, 8).map(lambda value: value / 2)
USERS = st.integers(0, 30).map(lambda user: f"user-{user}")
SETTLED = st.builds(Settled, USERS, st.integers(5, 9), HALVES, HALVES, HALVES, HALVES)
AGREED = st.builds(Agreement, st.integers(0, 4), st.sampled_from([0, 4]))


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    count = draw(st.sampled_from([0, 1, 2, 4]))
    scores = draw(
        st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0, np.nan]), min_size=count, max_size=count)
    )
    tiers = draw(st.lists(st.integers(0, len(TIERS) - 1), min_size=count, max_size=count))
    return Answer(
        request_id=draw(st.text(max_size=4)),
        user_id=draw(USERS),
        total_s=draw(st.floats(0.0, 10.0)),
        degraded=draw(st.sets(st.sampled_from(DEGRADED))),
        scores=np.array(scores, np.float64),
        by_tier=np.bincount(np.array(tiers, np.int64), minlength=len(TIERS)).tolist(),
        age_s=2.0 * sum(tier > 0 for tier in tiers),
        has_nan=draw(st.booleans()),
    )


def sums_of(events: list[Answer | Settled | Agreement | None]) -> Sums:
    sums = Sums()
    for event in events:
        match event:
            case Answer():
                count_answer(sums, event)
            case Settled():
                count_settled(sums, event)
            case Agreement():
                count_shadow(sums, event)
            case None:
                count_error(sums)
    return sums


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(answers(), SETTLED, AGREED, st.none()), max_size=20), st.integers(0, 20))
def test_sums_of_two_processes_are_those_of_one_that_saw_all(
    events: list[Answer | Settled | Agreement | None], cut: int
) -> None:
    merged = sums_of(events[:cut]) + sums_of(events[cut:])
    np.testing.assert_array_equal(merged.held, sums_of(events).held)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.0, 2.0**53), min_size=4, max_size=4), st.integers(0, WIDTH - 4))
def test_bytes_give_back_what_was_counted(values: list[float], at: int) -> None:
    sums = Sums()
    sums.held[at : at + 4] = values
    data = sums.encode()
    assert len(data) == SIZE
    np.testing.assert_array_equal(Sums.decode(data).held, sums.held)


def test_decoded_sums_can_be_added_to() -> None:
    sums = Sums.decode(Sums().encode())
    count_error(sums)
    assert float(sums.one(REQUESTS)) == 1.0


@given(st.integers(0, SIZE - 1), st.integers(0, 7))
def test_flipped_bit_is_noticed(place: int, bit: int) -> None:
    data = bytearray(counted(requests=100).encode())
    data[place] ^= 1 << bit
    with pytest.raises(SumsUnreadable):
        Sums.decode(bytes(data))


def test_other_version_and_other_length_are_refused_by_name() -> None:
    data = Sums().encode()
    with pytest.raises(SumsUnreadable, match=f"version {VERSION + 1}"):
        Sums.decode(data[:2] + struct.pack("<H", VERSION + 1) + data[4:])
    with pytest.raises(SumsUnreadable, match=f"sums of {SIZE - 8} bytes"):
        Sums.decode(data[:-8])


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_impossible_count_is_refused(value: float) -> None:
    sums = Sums()
    sums.held[3] = value
    with pytest.raises(SumsUnreadable, match="negative or infinite"):
        Sums.decode(sums.encode())


def test_many_lanes_are_seen_as_each_by_itself() -> None:
    one, other = counted(seed=1), counted(seed=2)
    both = Sums(np.stack([one.held, other.held]))
    np.testing.assert_array_equal(both.grouped(3)[1], other.grouped(3))
    assert both.one(REQUESTS).shape == (2,)
