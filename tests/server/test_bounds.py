"""Caps, pins and exclusions of a request, from its fields to the slate."""

from collections import Counter
from typing import Any

import httpx
import numpy as np
import pytest

from cache.catalogue_rows import CatalogueRows
from models.features.hashing import key64, keys64
from models.features.item_status import STATUSES
from server.errors import InvalidRequest
from server.lane import Lane
from server.stages import StageClock
from server.wire import Candidate, RankAnswer, RankRequest
from tests.bundles import ITEMS, NOW_MS, rank_body, tiny_catalogue
from tests.server.changes import changes_of
from tests.server.conftest import Served
from tests.server.lanes import open_lane

BODY = rank_body("user-1", 60, timestamp_ms=NOW_MS)
IDS: list[str] = BODY["item_ids"]
BRAND, CATEGORY = 0, 1


@pytest.fixture
def lane(served: Served) -> Lane:
    return open_lane(served.student)


async def ask(lane: Lane, **change: Any) -> RankAnswer:
    return lane.answers.write(await lane.ranker.rank(RankRequest(**BODY | change), StageClock()))


async def ask_of(lane: Lane, candidates: list[Candidate], **change: Any) -> RankAnswer:
    return await ask(lane, item_ids=None, candidates=candidates, **change)


def column_of(answer: RankAnswer, column: int) -> list[int]:
    catalogue = tiny_catalogue()
    found: list[int] = catalogue.columns[catalogue.rows(keys64(answer.item_ids)), column].tolist()
    return found


def reasons(answer: RankAnswer) -> list[str]:
    return [each.reason for each in answer.degraded if each.stage == "rerank"]


async def test_cap_by_catalogue_column_keeps_the_best_of_each_group(lane: Lane) -> None:
    plain, capped = await ask(lane), await ask(lane, max_per={"brand": 2}, top_k=20)
    counts, kept = Counter[int](), []
    for item_id, brand in zip(plain.item_ids, column_of(plain, BRAND), strict=True):
        counts[brand] += 1
        if counts[brand] <= 2:
            kept.append(item_id)
    assert capped.item_ids == kept[:20]
    assert reasons(capped) == []


async def test_two_caps_hold_together_and_a_shorter_slate_says_so(lane: Lane) -> None:
    answer = await ask(lane, max_per={"brand": 2, "category": 3}, top_k=50)
    assert max(Counter(column_of(answer, BRAND)).values()) <= 2
    assert max(Counter(column_of(answer, CATEGORY)).values()) <= 3
    assert len(answer.item_ids) <= 18
    assert reasons(answer) == ["short_slate"]


async def test_inline_feature_counts_in_place_of_the_catalogues(lane: Lane) -> None:
    candidates = [Candidate(item_id, features={"brand": "brand-3"}) for item_id in IDS[:5]]
    answer = await ask_of(lane, candidates, max_per={"brand": 1})
    assert len(answer.item_ids) == 1


async def test_own_groups_are_counted_and_those_without_one_are_not(lane: Lane) -> None:
    candidates = [
        Candidate(item_id, group="account-7" if place < 10 else None)
        for place, item_id in enumerate(IDS[:20])
    ]
    answer = await ask_of(lane, candidates, max_per={"group": 3})
    assert len(answer.item_ids) == 13
    assert len(set(answer.item_ids) & set(IDS[:10])) == 3


async def test_unknown_items_are_of_no_group(lane: Lane) -> None:
    strangers = [f"stranger-{number}" for number in range(6)]
    answer = await ask(lane, item_ids=strangers, max_per={"brand": 1})
    assert sorted(answer.item_ids) == strangers


async def test_items_that_changed_count_by_their_new_columns(lane: Lane) -> None:
    """Beside one of the file, under one brand, though another brand has the same embedding row."""
    file_brands = tiny_catalogue().columns[:ITEMS, BRAND]
    brand = int(file_brands[tiny_catalogue().rows(keys64(IDS[:1]))[0]])
    twin = next(
        key for key in map(key64, map("twin-{}".format, range(1000))) if key % 32 == brand % 32
    )
    lane.catalogue.apply(_columns_of({IDS[1]: brand, IDS[2]: twin, "new": brand}))
    answer = await ask(lane, item_ids=[*IDS[:3], "new"], max_per={"brand": 1})
    assert len(answer.item_ids) == 2
    assert IDS[2] in answer.item_ids


def _columns_of(brands: dict[str, int]) -> CatalogueRows:
    count = len(brands)
    columns = np.array([[brand, key64("category-1")] for brand in brands.values()], np.uint64)
    at_ms = np.full(count, 10, np.int64)
    return CatalogueRows(
        keys64(list(brands)),
        np.full(count, STATUSES.index("active"), np.uint8),
        at_ms,
        at_ms,
        columns,
        np.ones((count, 1), np.float32),
    ).last_of_each()


async def test_pinned_item_stands_there_and_the_others_keep_their_order(lane: Lane) -> None:
    plain = await ask(lane)
    last, before_last = plain.item_ids[-1], plain.item_ids[-2]
    pinned = await ask(lane, pinned={last: 1, before_last: 4}, top_k=10)
    assert pinned.item_ids[0] == last
    assert pinned.item_ids[3] == before_last
    others = [item_id for item_id in pinned.item_ids if item_id not in (last, before_last)]
    assert others == plain.item_ids[:8]
    scores = dict(zip(plain.item_ids, plain.scores, strict=True))
    assert pinned.scores == [scores[item_id] for item_id in pinned.item_ids]


async def test_pinned_item_that_is_paused_is_unavailable_and_its_place_goes_to_another(
    lane: Lane,
) -> None:
    lane.catalogue.apply(changes_of({IDS[5]: "paused"}))
    answer = await ask(lane, pinned={IDS[5]: 2, IDS[6]: 3}, max_per={"brand": 60})
    assert answer.unavailable == [IDS[5]]
    assert answer.item_ids[2] == IDS[6]
    assert len(answer.item_ids) == 59


async def test_excluded_candidates_are_not_ranked_and_nothing_else_changes(lane: Lane) -> None:
    answer = await ask(lane, excluded=[*IDS[:20], "not-a-candidate"])
    alone = await ask(lane, item_ids=IDS[20:])
    assert (answer.item_ids, answer.scores) == (alone.item_ids, alone.scores)
    assert (answer.coverage, answer.degraded) == (alone.coverage, [])


async def test_bids_and_features_stay_with_those_that_are_left(lane: Lane) -> None:
    candidates = [
        Candidate(item_id, bid=float(place + 1), features={"price": 3.0 * place})
        for place, item_id in enumerate(IDS)
    ]
    answer = await ask_of(lane, candidates, excluded=IDS[:20])
    alone = await ask_of(lane, candidates[20:])
    assert (answer.item_ids, answer.values) == (alone.item_ids, alone.values)


async def test_too_few_left_by_exclusions_says_so(lane: Lane) -> None:
    assert reasons(await ask(lane, excluded=IDS[:20], top_k=50)) == ["short_slate"]
    assert reasons(await ask(lane, excluded=IDS[:20], top_k=40)) == []


async def test_nothing_left_is_an_empty_slate(lane: Lane) -> None:
    answer = await ask(lane, excluded=IDS, max_per={"brand": 1}, diversity=0.5)
    assert (answer.item_ids, answer.degraded) == ([], [])


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"max_per": {"colour": 1}}, "max_per.colour", "brand, category"),
        ({"max_per": {"price": 1}}, "max_per.price", "brand, category"),
        ({"max_per": {"group": 1}}, "max_per.group", "own group"),
        ({"pinned": {IDS[0]: 1, IDS[1]: 1}}, f"pinned.{IDS[1]}", f"{IDS[0]} is pinned to this"),
        ({"pinned": {IDS[0]: 1}, "excluded": IDS[:1]}, f"pinned.{IDS[0]}", "excluded too"),
        ({"pinned": {IDS[0]: 11}, "top_k": 10}, f"pinned.{IDS[0]}", "has 10 places"),
        ({"pinned": {IDS[0]: 61}}, f"pinned.{IDS[0]}", "has 60 places"),
        ({"pinned": {"else": 1}}, "pinned.else", "no candidate"),
    ],
)
async def test_what_cannot_be_is_refused(
    lane: Lane, change: dict[str, Any], field: str, says: str
) -> None:
    with pytest.raises(InvalidRequest, match=says) as refused:
        await ask(lane, **change)
    assert refused.value.field == field
    assert refused.value.remedy


async def test_refused_feature_is_named_by_its_place_in_the_request(lane: Lane) -> None:
    candidates = [Candidate(IDS[0]), Candidate(IDS[1], features={"price": "dear"})]
    with pytest.raises(InvalidRequest) as refused:
        await ask_of(lane, candidates, excluded=IDS[:1])
    assert refused.value.field == "candidates[1].features.price"


@pytest.mark.parametrize(
    ("diversity", "status"),
    [
        (0.3, 200),
        (1, 200),
        ({"strength": 0.3}, 200),
        ({"strength": 0.3, "window": 5}, 200),
        ({"strength": 1.5}, 422),
        ({"strength": 0.3, "window": 0}, 422),
        ({"window": 5}, 422),
        ("much", 422),
    ],
)
def test_diversity_is_a_number_or_its_options(
    gateway: httpx.Client, diversity: object, status: int
) -> None:
    answered = gateway.post("/v1/rank", json=BODY | {"diversity": diversity})
    assert answered.status_code == status, answered.text
    if status == 422:
        assert answered.json()["field"].startswith("diversity")
