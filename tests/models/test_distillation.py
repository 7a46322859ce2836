import numpy as np
import pytest

from models.distillation import at_coverage, dropped
from models.features.records import Hints
from models.schema import TIERS

ROWS = 400


def hints(tier: str, value: float) -> Hints:
    return Hints(
        np.full((ROWS, 3), value, np.float32),
        np.full((ROWS, 2), value, np.float32),
        np.full(ROWS, TIERS.index(tier)),
        np.full(ROWS, value, np.float32),
    )


PAIR, USER = hints("pair", 1.0), hints("user", 2.0)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_coverage_is_the_share_asked_for(share: float) -> None:
    found = at_coverage(PAIR, USER, share, tiers=False, rng=np.random.default_rng(0))
    assert np.mean(found.tier == TIERS.index("pair")) == pytest.approx(share, abs=0.07)
    assert not found.z[found.tier == TIERS.index("none")].any()


def test_user_tier_stands_in_without_a_logit() -> None:
    found = at_coverage(PAIR, USER, 0.5, tiers=True, rng=np.random.default_rng(0))
    user = found.tier == TIERS.index("user")
    assert user.any()
    assert (found.z[user] == 2.0).all()
    assert not found.logit[user].any()


def test_dropping_shows_every_tier_over_many_batches() -> None:
    rng = np.random.default_rng(0)
    tiers = np.concatenate([dropped(PAIR, USER, rng).tier for _ in range(20)])
    assert set(tiers) == {TIERS.index("none"), TIERS.index("user"), TIERS.index("pair")}
