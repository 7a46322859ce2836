import numpy as np
import pytest

from models.features.records import F64, I64
from models.speculation.policy import Asked, Computed, Waits, Wishes
from models.speculation.price import Price
from models.speculation.scheduler import Budget, Run, Scheduler
from models.speculation.trace import Mask
from tests.models.speculation.requests import wishes_of


class Wanted:
    """Pairs are worth what `worth` says by then, 1 where it says nothing."""

    def __init__(self, holds_back: bool = False) -> None:
        self.holds_back = holds_back
        self.worth: dict[int, float] = {}

    def asked(self, asked: Asked) -> None: ...

    def computed(self, computed: Computed) -> None: ...

    def wishes(self, now_ms: int, limit: int) -> Wishes:
        raise AssertionError("wishes are given to a scheduler, it asks for none")

    def values(self, waits: Waits, now_ms: int) -> F64:
        return np.array([self.worth.get(pair, 1.0) for pair in waits.pairs.tolist()])


def never_fresh(user: int, pairs: I64, now_ms: int) -> Mask:
    return np.zeros(len(pairs), np.bool_)


def scheduler_of(policy: Wanted | None = None, **budget: float) -> Scheduler:
    settings = {"pairs_per_s": 1.0, "saved_pairs": 0.0, "run_pairs": 10, **budget}
    return Scheduler(Budget.model_validate(settings), policy or Wanted(), never_fresh)


def begun(runs: list[Run]) -> list[tuple[int, list[int]]]:
    return [(run.user, run.pair.tolist()) for run in runs]


def test_pairs_of_a_user_share_its_side_and_are_computed_together() -> None:
    scheduler = scheduler_of(pair_cost=0.25)
    scheduler.offer(wishes_of((1, 7, 1.0), (1, 8, 1.0), (2, 7, 1.0)), 0)
    runs = list(scheduler.run_until(100_000))
    assert begun(runs) == [(1, [7, 8]), (2, [7])]
    # Two pairs and a side of four pairs' cost, at one pair a second.
    assert [run.at_ms for run in runs] == [0, 6_000]
    assert scheduler.cost == 2 + 4 + 1 + 4


def test_a_wish_that_waits_already_is_not_selected_again() -> None:
    scheduler = scheduler_of()
    [(_, first)] = scheduler.offer(wishes_of((1, 7, 1.0)), 0)
    [(_, again)] = scheduler.offer(wishes_of((1, 7, 2.0)), 0)
    assert (first.tolist(), again.tolist(), scheduler.selected) == ([7], [], 1)


def test_the_most_valuable_run_goes_first_and_leaves_lesser_pairs_to_later_ones() -> None:
    policy = Wanted()
    scheduler = scheduler_of(policy, pairs_per_s=1000.0)
    scheduler.offer(wishes_of((1, 7, 1.0), (2, 8, 9.0), (2, 9, 5.0), (2, 6, 1.5)), 0)
    assert begun(list(scheduler.run_until(1_000))) == [(2, [8, 9]), (2, [6]), (1, [7])]


def test_what_is_worth_nothing_by_now_is_dropped() -> None:
    policy = Wanted()
    scheduler = scheduler_of(policy)
    scheduler.offer(wishes_of((1, 7, 1.0), (1, 8, 1.0)), 0)
    policy.worth = {7: 0.0}
    scheduler.offer(wishes_of((2, 8, 0.5)), 60_000)
    assert begun(list(scheduler.run_until(61_000))) == [(1, [8])]
    assert scheduler.dropped["worthless"] == 1


def test_a_full_queue_keeps_its_better_half() -> None:
    scheduler = scheduler_of(waiting_pairs=10)
    scheduler.offer(wishes_of(*[(user, 7, 1.0 + user) for user in range(11)]), 0)
    assert len(scheduler) == 5
    assert scheduler.dropped["overflow"] == 6
    assert begun(list(scheduler.run_until(1)))[0] == (10, [7])


def test_fresh_pairs_are_dropped_instead_of_computed() -> None:
    def has_seven(user: int, pairs: I64, now_ms: int) -> Mask:
        return np.asarray(pairs == 7)

    scheduler = Scheduler(Budget(pairs_per_s=1.0), Wanted(), has_seven)
    scheduler.offer(wishes_of((1, 7, 1.0), (1, 8, 1.0), (2, 7, 0.5)), 0)
    assert begun(list(scheduler.run_until(100_000))) == [(1, [8])]
    assert (scheduler.dropped["fresh"], scheduler.computed) == (2, 1)


@pytest.mark.parametrize("saved", [0.0, 10.0])
def test_budget_is_saved_up_to_its_bound(saved: float) -> None:
    scheduler = scheduler_of(saved_pairs=saved, pair_cost=1.0, run_pairs=1)
    wishes = wishes_of(*[(1, pair, 1.0) for pair in range(20)])
    scheduler.offer(wishes, 3_600_000)
    at_once = [run for run in scheduler.run_until(3_600_001) if run.at_ms == 3_600_000]
    # A run costs two pairs; it may begin on the last of the budget.
    assert len(at_once) == saved // 2 + 1


def test_a_lesser_run_waits_until_budget_would_be_lost() -> None:
    scheduler = scheduler_of(Wanted(holds_back=True), saved_pairs=100.0, run_pairs=1)
    now_ms = 10_000_000
    scheduler.offer(wishes_of(*[(user, 7, 1.0) for user in range(50)]), now_ms)
    # Fifty runs of five pairs, a hundred of them saved: paid off after 150 seconds.
    assert len(list(scheduler.run_until(now_ms + 150_000))) == 50
    scheduler.offer(wishes_of((99, 8, 0.01)), now_ms + 150_000)
    assert not list(scheduler.run_until(now_ms + 240_000))
    assert begun(list(scheduler.run_until(now_ms + 260_000))) == [(99, [8])]


def test_a_price_reserves_all_for_better_runs_and_nothing_from_the_usual_one() -> None:
    price = Price()
    assert price.reserve(0.0) == 0.0
    for _ in range(200):
        price.paid(2.0)
    assert price.reserve(0.0) == 1.0
    assert np.isclose(price.reserve(1.0), 0.5)
    assert price.reserve(2.0) < 1e-9
    assert price.reserve(3.0) == 0.0
