"""The transfer ratio where it is known, and its interval against many draws."""

import numpy as np
import pytest

from cache.arrays import F64
from cache.refresh.worth_sums import FEWEST_GROUPS, SLICES, Rows, Sums, log_loss, worth_of

PAIR, NONE = 4, 0


def rows(rng: np.random.Generator, share: float, count: int = 20, effect: float = 0.0) -> Rows:
    """The student's logit lies this share of the way from the masked one to the teacher's."""
    teacher = rng.normal(-1.0, 1.5, count) + effect
    masked = np.full(count, -1.0)
    label = rng.random(count) < sigmoid(teacher)
    told = masked + share * (teacher - masked)
    tier = rng.choice(np.array([NONE, PAIR], np.uint8), count)
    ages_s = np.where(tier > 0, rng.choice([30.0, 60.0, 700.0], count), 0.0).astype(np.float32)
    return Rows(label, sigmoid(told), sigmoid(masked), sigmoid(teacher), tier, ages_s)


def sigmoid(logit: F64) -> F64:
    probability: F64 = 1.0 / (1.0 + np.exp(-logit))
    return probability


def summed(share: float, users: int = 200, seed: int = 0) -> Sums:
    rng, sums = np.random.default_rng(seed), Sums()
    for user in range(users):
        sums.add(f"user-{user}", rows(rng, share))
    return sums


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_ratio_is_exact_where_the_student_is_the_teacher_or_its_masked_self(share: float) -> None:
    worth = summed(share).worth()["all"]
    assert worth.candidates == 4000
    assert (worth.ratio, worth.low, worth.high) == pytest.approx((share, share, share), abs=1e-12)


def test_slices_hold_their_own_candidates_and_no_others() -> None:
    rng, sums = np.random.default_rng(0), Sums()
    drawn = [rows(rng, 0.5) for _ in range(100)]
    for user, each in enumerate(drawn):
        sums.add(f"user-{user}", each)
    worth = sums.worth()
    hinted = sum(int((each.tier == PAIR).sum()) for each in drawn)
    assert worth["tier:pair"].candidates == hinted
    assert worth["tier:none"].candidates == 2000 - hinted
    young = sum(int(((each.tier > 0) & (each.age_s <= 60)).sum()) for each in drawn)
    assert worth["age:0-60"].candidates == young
    assert worth["age:600-3600"].candidates == hinted - young
    assert set(worth) <= set(SLICES)
    assert "tier:user" not in worth
    masked = [each.tier == PAIR for each in drawn]
    gains = [log_loss(e.masked, e.label) - log_loss(e.with_hints, e.label) for e in drawn]
    leads = [log_loss(e.masked, e.label) - log_loss(e.teacher, e.label) for e in drawn]
    brute = sum(g[m].sum() for g, m in zip(gains, masked, strict=True)) / sum(
        lead[m].sum() for lead, m in zip(leads, masked, strict=True)
    )
    assert worth["tier:pair"].ratio == pytest.approx(brute)


def test_no_ratio_where_the_teachers_lead_is_not_told_from_none() -> None:
    rng, sums = np.random.default_rng(0), Sums()
    for user in range(100):
        noise = rows(rng, 1.0)
        guessing = sigmoid(rng.normal(-1.0, 0.01, 20))
        sums.add(f"user-{user}", noise._replace(teacher=guessing, label=rng.random(20) < 0.27))
    worth = sums.worth()["all"]
    assert (worth.candidates, worth.ratio, worth.low) == (2000, None, None)


def test_few_users_have_no_interval() -> None:
    assert summed(0.5, users=FEWEST_GROUPS - 1).worth()["all"].ratio is None
    assert worth_of(np.zeros((8, 4))).candidates == 0


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Users have effects of their own, so that rows are not independent: an interval by rows would
    be too narrow. 95 % is promised; of 60 draws fewer than 52 would be a fault."""
    rng, share, draws = np.random.default_rng(1), 0.6, 60
    found = [_draw(rng, share) for _ in range(draws)]
    truth = float(np.mean([gain for gain, _, _, _ in found]) / np.mean([b for _, b, _, _ in found]))
    covered = sum(low <= truth <= high for _, _, low, high in found)
    assert covered >= 52


def _draw(rng: np.random.Generator, share: float) -> tuple[float, float, float, float]:
    sums = Sums()
    for user in range(120):
        sums.add(f"user-{user}", rows(rng, share, count=8, effect=float(rng.normal(0, 1.0))))
    _, hinted, masked, teacher = sums.losses()[0].tolist()
    worth = sums.worth()["all"]
    assert worth.low is not None
    assert worth.high is not None
    return masked - hinted, masked - teacher, worth.low, worth.high
