"""Ads: campaigns that start and end, each with one brand, one category and a few creatives."""

from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64, I64

CATEGORIES: Final = 16
BRANDS: Final = 90
ADVERTISERS: Final = 30
STYLES: Final = 8
FORMATS: Final = ("image", "video", "carousel")
ADS_A_CAMPAIGN: Final = 6
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


class Ads(NamedTuple):
    campaign: I64  # [M]
    brand: I64
    advertiser: I64
    category: I64
    form: I64  # into FORMATS
    price: F64
    style: I64  # of the brand; no column of the log shows it
    quality: F64  # log-odds of a click
    persuasion: F64  # log-odds of a conversion after a click
    live_from_ms: I64  # since the world began, on the hour
    live_until_ms: I64


def publish(rng: np.random.Generator, ads: int, days: int) -> Ads:
    campaigns = max(1, ads // ADS_A_CAMPAIGN)
    campaign = np.sort(rng.integers(0, campaigns, ads))
    brand_style = rng.permutation(np.arange(BRANDS) % STYLES)
    brand = rng.integers(0, BRANDS, campaigns)
    length_h = np.clip(rng.lognormal(np.log(100.0), 0.5, campaigns), 24, 24 * 20).astype(np.int64)
    start_h = (rng.random(campaigns) * (days * 24 + length_h)).astype(np.int64) - length_h
    price = np.exp(rng.normal(3.0, 1.0, campaigns)[campaign] + rng.normal(0.0, 0.2, ads))
    return Ads(
        campaign=campaign,
        brand=brand[campaign],
        advertiser=(brand % ADVERTISERS)[campaign],
        category=rng.integers(0, CATEGORIES, campaigns)[campaign],
        form=rng.choice(len(FORMATS), ads, p=(0.6, 0.25, 0.15)),
        price=np.asarray(np.round(price, 2), np.float64),
        style=brand_style[brand[campaign]],
        quality=rng.normal(0.0, 0.6, campaigns)[campaign] + rng.normal(0.0, 0.4, ads),
        persuasion=rng.normal(0.0, 0.5, campaigns)[campaign],
        live_from_ms=(start_h * HOUR_MS)[campaign],
        live_until_ms=((start_h + length_h) * HOUR_MS)[campaign],
    )


class LiveLists(NamedTuple):
    """The ads live at the start of each hour, in an order of their own."""

    ads: I64  # hour after hour
    start: I64  # [hours]
    length: I64  # [hours]


def live_lists(rng: np.random.Generator, ads: Ads, days: int) -> LiveLists:
    instants_ms = np.arange(days * 24)[:, None] * HOUR_MS
    live = (ads.live_from_ms <= instants_ms) & (instants_ms < ads.live_until_ms)
    shuffled = rng.permutation(len(ads.campaign))
    count = live.sum(axis=1)
    _, position = np.nonzero(live[:, shuffled])
    return LiveLists(shuffled[position], np.cumsum(count) - count, count)
