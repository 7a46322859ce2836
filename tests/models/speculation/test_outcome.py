import subprocess
import sys

import numpy as np
import pytest

from models.speculation.errors import PolicyUnknown
from models.speculation.outcome import LEADING, leading
from models.speculation.policies import policy_of
from models.speculation.selections import Selections
from tests.models.speculation.small_traces import trace_of


def test_the_leading_candidates_are_the_best_scored_of_each_request() -> None:
    trace = trace_of((0, 0, range(20)), (1, 1, [3, 5]))
    scores = np.append(np.linspace(0.9, 0.1, 20), [0.1, 0.1])
    leads = leading(trace.scored(scores.astype(np.float32)))
    assert np.flatnonzero(leads).tolist() == [*range(LEADING), 20, 21]


def test_a_selection_counts_strictly_later_and_for_one_hard_ttl() -> None:
    selections = Selections(hard_ttl_ms=100.0)
    selections.add(1, np.array([4, 3]), 10)
    pairs = np.array([3, 4, 5])
    had = [selections.had(1, pairs, now_ms).tolist() for now_ms in (10, 11, 110, 111)]
    assert had == [[False] * 3, [True, True, False], [True, True, False], [False] * 3]
    assert not selections.had(2, pairs, 11).any()


def test_a_later_selection_of_a_pair_takes_the_place_of_an_earlier_one() -> None:
    selections = Selections(hard_ttl_ms=100.0)
    selections.add(1, np.array([3, 4]), 10)
    selections.add(1, np.array([4, 5]), 90)
    assert selections.had(1, np.array([3, 4, 5]), 150).tolist() == [False, True, True]


def test_an_unknown_policy_is_refused_with_those_that_are() -> None:
    with pytest.raises(PolicyUnknown, match="'oracle': use one of demand-only, "):
        policy_of("oracle", 1.0)


def test_a_simulation_needs_no_torch() -> None:
    told = "import sys, models.speculation.simulator; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told]).returncode == 0
