"""The synthetic ad world: a log whose every probability is known. docs/data.md says why so.

What pays here is a user's taste in categories and in brands' hidden styles. Tastes show only in
what somebody clicked over hundreds of impressions: the last twenty hold less than one click, and
counters of users and ads say nothing of them.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from models.data.adworld.ads import (
    CATEGORIES,
    DAY_MS,
    FORMATS,
    Ads,
    live_lists,
    publish,
)
from models.data.adworld.outcomes import PLACEMENTS, Impressions, Outcomes, draw
from models.data.adworld.people import AGE_BANDS, GENDERS, People, populate
from models.data.adworld.sessions import Calls, schedule
from models.data.adworld.slates import SHOWN, Slates, slates
from models.data.log import Log
from models.data.periods import Periods
from models.data.statistics import fitted
from models.features.records import I64
from models.schema import Column, LogSchema

ORIGIN_MS: Final = 1_704_067_200_000
"""2024-01-01T00:00Z, a Monday."""
DAYS: Final = 9
IMPRESSIONS_A_USER: Final = 130
DEVICES: Final = ("phone", "desktop", "tablet")
SCHEMA: Final = LogSchema(
    tasks=("click", "conversion"),
    user=(
        Column(name="user_id", kind="categorical"),
        Column(name="age_band", kind="categorical"),
        Column(name="gender", kind="categorical"),
        Column(name="region", kind="categorical"),
        Column(name="tenure_days", kind="number"),
    ),
    item=(
        Column(name="item_id", kind="categorical"),
        Column(name="campaign", kind="categorical"),
        Column(name="brand", kind="categorical"),
        Column(name="advertiser", kind="categorical"),
        Column(name="category", kind="categorical"),
        Column(name="format", kind="categorical"),
        Column(name="price", kind="number"),
    ),
    context=(
        Column(name="placement", kind="categorical"),
        Column(name="device", kind="categorical"),
    ),
)


class World(NamedTuple):
    """Everything that happened, and why: what a log keeps back is in `people` and `ads`."""

    people: People
    ads: Ads
    calls: Calls
    offers: list[Slates]
    seen: Impressions  # call after call, SHOWN each
    outcomes: Outcomes


def make_log(impressions: int = 400_000, seed: int = 0) -> Log:
    """A log of about that many impressions (a multiple of ten, exactly)."""
    return fitted(log_of(make_world(impressions, seed), impressions, seed))


def make_world(impressions: int, seed: int) -> World:
    rng = np.random.default_rng(seed)
    people = populate(rng, max(20, impressions // IMPRESSIONS_A_USER), DAYS)
    ads = publish(rng, int(np.clip(3000 * np.sqrt(impressions / 400_000), 1200, 60_000)), DAYS)
    calls = schedule(rng, people.activity, impressions // SHOWN, DAYS)
    offers = list(slates(rng, calls, ads, live_lists(rng, ads, DAYS)))
    seen = _impressions(rng, calls, offers)
    return World(people, ads, calls, offers, seen, draw(rng, seen, people, ads))


def _impressions(rng: np.random.Generator, calls: Calls, offers: Sequence[Slates]) -> Impressions:
    shown = np.empty((len(calls.user), SHOWN), np.int64)
    for group in offers:
        shown[group.call] = group.shown
    placement = rng.choice(len(PLACEMENTS), calls.sessions, p=(0.6, 0.25, 0.15))
    return Impressions(
        user=np.repeat(calls.user, SHOWN),
        ad=shown.reshape(-1),
        time_ms=np.repeat(calls.time_ms, SHOWN),
        position=np.tile(np.arange(1, SHOWN + 1), len(calls.user)),
        placement=np.repeat(placement[calls.session], SHOWN),
    )


def log_of(world: World, impressions: int, seed: int) -> Log:
    """What of the world a log would hold, and the truth of each label."""
    return Log(
        schema=SCHEMA,
        periods=_periods(),
        provenance=f"synthetic ad world, {impressions} impressions, seed {seed}",
        impressions=_impression_table(world),
        items=_item_table(world.ads),
        users=_user_table(world.people),
        requests=_request_table(world),
    )


def _periods() -> Periods:
    """Teacher five days, student two, validation one, test one: each evening whole."""
    history, student, validation, test, until = (
        ORIGIN_MS + day * DAY_MS for day in (0, DAYS - 4, DAYS - 2, DAYS - 1, DAYS)
    )
    return Periods(
        history_from_ms=history,
        teacher_from_ms=history,
        student_from_ms=student,
        validation_from_ms=validation,
        test_from_ms=test,
        until_ms=until,
    )


def _impression_table(world: World) -> pl.DataFrame:
    seen, outcomes = world.seen, world.outcomes
    device = np.arange(len(world.people.age)) * 7919 % 10
    return pl.DataFrame(
        {
            "request_id": _request_ids(world).gather(np.arange(len(seen.user)) // SHOWN),
            "timestamp_ms": seen.time_ms + ORIGIN_MS,
            "user_id": _ids("u", len(world.people.age)).gather(seen.user),
            "item_id": _ids("ad", len(world.ads.campaign)).gather(seen.ad),
            "position": pl.Series(seen.position, dtype=pl.Int16),
            "placement": _named(PLACEMENTS, seen.placement),
            "device": _named(DEVICES, np.digitize(device, (6, 9))[seen.user]),
            "click": pl.Series(outcomes.click, dtype=pl.Int8),
            "conversion": pl.Series(outcomes.conversion, dtype=pl.Int8),
            "truth_click": outcomes.click_probability,
            "truth_conversion": outcomes.conversion_probability,
        }
    )


def _item_table(ads: Ads) -> pl.DataFrame:
    categories = [f"category-{number:02}" for number in range(CATEGORIES)]
    return pl.DataFrame(
        {
            "item_id": _ids("ad", len(ads.campaign)),
            "campaign": _numbered("campaign", ads.campaign),
            "brand": _numbered("brand", ads.brand),
            "advertiser": _numbered("advertiser", ads.advertiser),
            "category": _named(categories, ads.category),
            "format": _named(FORMATS, ads.form),
            "price": ads.price,
            "live_from_ms": ads.live_from_ms + ORIGIN_MS,
            "live_until_ms": ads.live_until_ms + ORIGIN_MS,
        }
    )


def _user_table(people: People) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": _ids("u", len(people.age)),
            "age_band": _named(AGE_BANDS, people.age),
            "gender": _named(GENDERS, people.gender),
            "region": _numbered("region", people.region),
            "tenure_days": people.tenure_days,
        }
    )


def _request_table(world: World) -> pl.DataFrame:
    ids = _ids("ad", len(world.ads.campaign))
    groups = [_offer_table(group, ids) for group in world.offers]
    lists = pl.concat(groups).sort("call").drop("call")
    return lists.with_columns(request_id=_request_ids(world)).select("request_id", "candidates")


def _offer_table(group: Slates, ids: pl.Series) -> pl.DataFrame:
    flat = pl.Series(group.offered.reshape(-1))
    named = ids.gather(flat.set(flat < 0, None).cast(pl.UInt32))
    rows = named.reshape(group.offered.shape).arr.to_list().list.drop_nulls()
    return pl.DataFrame({"call": group.call, "candidates": rows})


def _request_ids(world: World) -> pl.Series:
    return _ids("r", len(world.calls.user))


def _ids(prefix: str, count: int) -> pl.Series:
    width = len(str(max(0, count - 1)))
    return pl.Series([f"{prefix}{number:0{width}}" for number in range(count)], dtype=pl.String)


def _numbered(prefix: str, codes: I64) -> pl.Series:
    return _named([f"{prefix}-{number}" for number in range(int(codes.max()) + 1)], codes)


def _named(names: Sequence[str], codes: I64) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(codes)
