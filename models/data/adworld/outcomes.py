"""What happens to an ad shown, drawn from a probability that is known."""

from typing import Final, NamedTuple

import numpy as np

from models.data.adworld.ads import DAY_MS, Ads
from models.data.adworld.people import People
from models.features.records import F64, I64

CLICK_RATE: Final = 0.04
CONVERSION_RATE: Final = 0.12
"""Of the clicks."""
LIKED_CATEGORY: Final = 2.7
LIKED_STYLE: Final = 0.8
SEGMENT: Final = 0.6
PLACEMENTS: Final = ("feed", "story", "sidebar")
PLACEMENT_EFFECT: Final = (0.3, 0.0, -0.5)
EXAMINED_FLOOR: Final = 0.7
"""Share of users who look at the last position; everybody looks at the first."""


class Impressions(NamedTuple):
    user: I64  # [I]
    ad: I64
    time_ms: I64
    position: I64  # from 1
    placement: I64  # into PLACEMENTS


class Outcomes(NamedTuple):
    """`conversion` needs a click; its probability is of the impression, click included."""

    click: I64  # [I] 0 or 1
    conversion: I64
    click_probability: F64
    conversion_probability: F64


def draw(rng: np.random.Generator, seen: Impressions, people: People, ads: Ads) -> Outcomes:
    liked = likes(seen, people, ads)
    examined = _examined(seen.position)
    wanted = _shifted(_click_odds(seen, people, ads, liked), CLICK_RATE, examined)
    clicked = examined * wanted
    odds = ads.persuasion[seen.ad] + 0.8 * liked.category - 0.3 * np.log(ads.price[seen.ad])
    converted = _shifted(odds, CONVERSION_RATE, clicked / clicked.mean())
    click = rng.random(len(clicked)) < clicked
    conversion = click & (rng.random(len(clicked)) < converted)
    return Outcomes(
        click.astype(np.int64), conversion.astype(np.int64), clicked, clicked * converted
    )


class Likes(NamedTuple):
    category: F64  # [I] 0 or 1
    style: F64


def likes(seen: Impressions, people: People, ads: Ads) -> Likes:
    """Whether each ad meets the taste that its user has on that day."""
    day = seen.time_ms // DAY_MS
    category = people.likes_category[seen.user, day] == ads.category[seen.ad][:, None]
    style = people.likes_style[seen.user, day] == ads.style[seen.ad][:, None]
    return Likes(category.any(axis=1).astype(np.float64), style.any(axis=1).astype(np.float64))


def _click_odds(seen: Impressions, people: People, ads: Ads, liked: Likes) -> F64:
    crossed = people.segment_taste[people.segment[seen.user], ads.category[seen.ad]]
    return np.asarray(
        people.propensity[seen.user]
        + ads.quality[seen.ad]
        + LIKED_CATEGORY * liked.category
        + LIKED_STYLE * liked.style
        + SEGMENT * crossed
        + np.array(PLACEMENT_EFFECT)[seen.placement]
    )


def _examined(position: I64) -> F64:
    last = max(2, int(position.max()))
    return np.asarray(1.0 - (1.0 - EXAMINED_FLOOR) * np.log(position) / np.log(last))


def _shifted(odds: F64, rate: float, weight: F64) -> F64:
    """sigmoid(odds + b), with b such that the mean of weight · p is the rate (bisection)."""
    low, high = -20.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        mean = float(np.mean(weight / (1.0 + np.exp(-odds - middle))))
        low, high = (middle, high) if mean < rate else (low, middle)
    return np.asarray(1.0 / (1.0 + np.exp(-odds - low)))
