import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.refresh.hand import MAX_USERS, SUSPECT_TRIES, Hand, InHand, best_of
from tests.cache.refresh.asked import make_demand


def message(
    number: int, user: str = "u", score: float = 0.0, pairs: int = 1, token: int = 1, tries: int = 0
) -> InHand:
    demand = make_demand(user, range(pairs))
    return InHand(0, token, b"%d-0" % number, b"", demand, tries, score)


def hand_of(*messages: InHand, max_pairs: int = 1000) -> Hand:
    hand = Hand(max_pairs)
    for each in messages:
        hand.add(each)
    return hand


def numbers(messages: list[InHand]) -> list[int]:
    return [int(each.id.partition(b"-")[0]) for each in messages]


def test_users_leave_by_their_best_score_each_with_all_messages() -> None:
    hand = hand_of(
        message(1, "a", 0.1), message(2, "b", 0.3), message(3, "a", 0.4), message(4, "c", 0.2)
    )
    assert numbers(hand.take(3)) == [1, 3, 2]
    assert numbers(hand.take(3)) == [4]
    assert hand.take(3) == []


def test_user_who_does_not_fit_waits_for_the_next_batch() -> None:
    hand = hand_of(message(1, "a", 0.9, pairs=5), message(2, "b", 0.5, pairs=6))
    assert numbers(hand.take(10)) == [1]
    assert numbers(hand.take(10)) == [2]


def test_user_who_asks_for_more_than_a_batch_gets_the_best_part() -> None:
    hand = hand_of(*(message(n, "a", score=n / 10, pairs=4) for n in range(6)))
    assert numbers(hand.take(10)) == [5, 4, 3]
    assert numbers(hand.take(10)) == [2, 1, 0]


def test_batch_has_few_users_however_little_they_ask() -> None:
    hand = hand_of(*(message(n, f"user-{n}", score=n / 100) for n in range(MAX_USERS + 1)))
    assert numbers(hand.take(1000)) == list(range(MAX_USERS, 0, -1))
    assert numbers(hand.take(1000)) == [0]


def test_taken_messages_fill_the_hand_until_they_are_done() -> None:
    hand = hand_of(message(1, pairs=4), max_pairs=10)
    taken = hand.take(10)
    assert not hand
    assert (1, b"1-0") in hand
    assert hand.room == 6
    hand.done(taken)
    assert hand.room == 10
    assert (1, b"1-0") not in hand


def test_message_fits_while_there_is_room_and_any_fits_an_empty_hand() -> None:
    hand = Hand(10)
    assert hand.fits(message(1, pairs=12))
    hand.add(message(1, pairs=4))
    assert hand.fits(message(2, pairs=6))
    assert not hand.fits(message(2, pairs=7))


def test_messages_of_leases_that_are_over_leave() -> None:
    hand = hand_of(message(1, "a", token=1, pairs=3), message(2, "b", token=2), message(3, tries=9))
    hand.keep({2})
    assert hand.pairs == 1
    assert numbers(hand.take(10)) == [2]
    assert hand.take(10) == []


def test_message_in_work_stays_in_hand_when_its_lease_is_over() -> None:
    hand = hand_of(message(1, token=1))
    taken = hand.take(10)
    hand.keep(set())
    assert hand.pairs == 1
    hand.done(taken)
    assert hand.pairs == 0


def test_same_message_under_another_lease_is_another() -> None:
    hand = hand_of(message(1, token=1))
    taken = hand.take(10)
    assert (2, b"1-0") not in hand
    hand.add(message(1, token=2))
    hand.done(taken)
    assert numbers(hand.take(10)) == [1]


def test_suspects_go_alone_and_last() -> None:
    hand = hand_of(
        message(1, "a", 0.9, tries=SUSPECT_TRIES), message(2, "b", 0.9, tries=SUSPECT_TRIES),
        message(3, "c", 0.1, tries=SUSPECT_TRIES - 1),
    )  # fmt: skip
    assert [numbers(hand.take(100)) for _ in range(4)] == [[3], [1], [2], []]


def test_score_of_an_earlier_message_does_not_lift_a_later_one() -> None:
    hand = hand_of(message(1, "a", 0.9))
    hand.done(hand.take(1))
    hand.add(message(2, "a", 0.1))
    hand.add(message(3, "b", 0.5))
    assert numbers(hand.take(1)) == [3]


@pytest.mark.parametrize(
    ("scores", "best"), [([0.2, 0.7], 0.7), ([np.nan, 0.1], 0.1), ([np.inf, np.nan], -np.inf)]
)
def test_score_is_the_best_that_is_a_number(scores: list[float], best: float) -> None:
    assert best_of(np.array(scores, np.float32)) == pytest.approx(best)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 1), st.integers(1, 9)), max_size=30),
    st.integers(1, 40),
)
def test_everything_leaves_once_best_user_first(
    told: list[tuple[str, float, int]], size: int
) -> None:
    waiting = {n: message(n, *each) for n, each in enumerate(told)}
    hand = hand_of(*waiting.values(), max_pairs=10_000)
    while waiting:
        taken = hand.take(size)
        assert max(each.score for each in taken) == max(each.score for each in waiting.values())
        assert sum(each.pairs for each in taken[:-1]) < size
        hand.done(taken)
        for number in numbers(taken):
            del waiting[number]
    assert (hand.take(size), hand.pairs) == ([], 0)
