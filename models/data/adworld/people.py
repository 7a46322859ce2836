"""Users: what a log shows of them, and the tastes that it does not show."""

from typing import Final, NamedTuple

import numpy as np

from models.data.adworld.ads import CATEGORIES, STYLES
from models.features.records import F64, I64

AGE_BANDS: Final = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
GENDERS: Final = ("female", "male", "other")
REGIONS: Final = 12
LIKED_CATEGORIES: Final = 2
LIKED_STYLES: Final = 2
CATEGORY_DRIFT: Final = 0.05
STYLE_DRIFT: Final = 0.03
"""Chance a day that one liked category or style gives way to another."""


class People(NamedTuple):
    age: I64  # [U] into AGE_BANDS
    gender: I64  # [U] into GENDERS
    region: I64  # [U]
    tenure_days: F64  # [U]
    activity: F64  # [U] share of all sessions
    propensity: F64  # [U] log-odds of clicking anything
    segment_taste: F64  # [segments, CATEGORIES] log-odds shared by age band and gender
    likes_category: I64  # [U, days, LIKED_CATEGORIES]
    likes_style: I64  # [U, days, LIKED_STYLES]

    @property
    def segment(self) -> I64:
        return self.age * len(GENDERS) + self.gender


def populate(rng: np.random.Generator, users: int, days: int) -> People:
    age = rng.choice(len(AGE_BANDS), users, p=(0.16, 0.26, 0.22, 0.16, 0.12, 0.08))
    gender = rng.choice(len(GENDERS), users, p=(0.48, 0.48, 0.04))
    region = rng.choice(REGIONS, users, p=_falling(REGIONS))
    activity = rng.lognormal(0.0, 0.5, users)
    segment_taste = rng.normal(0.0, 1.0, (len(AGE_BANDS) * len(GENDERS), CATEGORIES))
    region_taste = rng.normal(0.0, 1.0, (REGIONS, STYLES))
    segment = age * len(GENDERS) + gender
    return People(
        age=age,
        gender=gender,
        region=region,
        tenure_days=np.round(rng.lognormal(5.0, 1.2, users)),
        activity=activity / activity.sum(),
        propensity=rng.normal(0.0, 0.6, users),
        segment_taste=segment_taste,
        likes_category=_drifting(
            rng, segment_taste[segment], days, LIKED_CATEGORIES, CATEGORY_DRIFT
        ),
        likes_style=_drifting(rng, region_taste[region], days, LIKED_STYLES, STYLE_DRIFT),
    )


def _drifting(rng: np.random.Generator, leaning: F64, days: int, slots: int, drift: float) -> I64:
    """`[U, days, slots]` choices from softmax(leaning), each redrawn on a day with chance drift."""
    chance = np.exp(leaning)
    cumulative = np.cumsum(chance / chance.sum(axis=1, keepdims=True), axis=1)
    users = len(leaning)
    liked = np.empty((users, days, slots), np.int64)
    for day in range(days):
        drawn = _draw(rng, cumulative, slots)
        moved = rng.random((users, slots)) < (drift if day else 1.0)
        liked[:, day] = np.where(moved, drawn, liked[:, day - 1])
    return liked


def _draw(rng: np.random.Generator, cumulative: F64, slots: int) -> I64:
    points = rng.random((len(cumulative), slots))
    drawn: I64 = (points[:, :, None] > cumulative[:, None, :-1]).sum(axis=2)
    return drawn


def _falling(count: int) -> F64:
    weight = 1.0 / (1.0 + np.arange(count))
    return np.asarray(weight / weight.sum())
