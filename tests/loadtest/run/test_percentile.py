import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.run.percentile import CLAIMED, as_json, claim, claims, fewest, ranks

RUNS = 400


@pytest.mark.parametrize(("name", "count"), [("p50", 6), ("p99", 368), ("p99.9", 3688)])
def test_a_percentile_is_claimed_from_its_fewest_answers_on(name: str, count: int) -> None:
    quantile = CLAIMED[name]
    assert fewest(quantile) == count
    assert claim(np.arange(count - 1.0), quantile) is None
    assert claim(np.arange(float(count)), quantile) is not None


@settings(max_examples=30, deadline=None)
@given(
    quantile=st.sampled_from([0.5, 0.9, 0.99]),
    extra=st.integers(0, 3000),
    skew=st.floats(0.1, 3.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_interval_holds_the_true_quantile_as_often_as_it_says(
    quantile: float, extra: int, skew: float, seed: int
) -> None:
    """Whatever the distribution: a Weibull's quantile is known, q ↦ (−ln(1 − q))^(1/k)."""
    count = fewest(quantile) + extra
    truth = (-np.log1p(-quantile)) ** (1.0 / skew)
    drawn = np.sort(np.random.default_rng(seed).weibull(skew, (RUNS, count)), axis=1)
    bounds = ranks(count, quantile, 0.95)
    assert bounds is not None
    low, high = bounds
    held = (drawn[:, low - 1] <= truth) & (truth <= drawn[:, high - 1])
    # Never below 95 % but by chance: four standard deviations of a share of RUNS.
    assert held.mean() >= 0.95 - 4.0 * np.sqrt(0.05 * 0.95 / RUNS)


@given(st.lists(st.floats(0, 1e6), min_size=6, max_size=500))
def test_the_value_lies_within_its_interval_and_the_sample(values: list[float]) -> None:
    for told in claims(values).values():
        if told is not None:
            assert min(values) <= told.low <= told.value <= told.high <= max(values)


def test_what_cannot_be_told_says_what_it_takes() -> None:
    told = as_json(claims([1.0] * 10))
    assert told["p99"] == {"needs": 368}
    assert told["p50"] == {"value": 1.0, "low": 1.0, "high": 1.0}
