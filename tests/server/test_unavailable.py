"""Paused and removed candidates: out of the slate, named, and nothing else about it changes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.bundles import NOW_MS, rank_body
from tests.server.changes import TOKEN, tell
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.loaded_cache import clear

pytestmark = pytest.mark.redis

BODY = rank_body("user-1", 20, timestamp_ms=NOW_MS)
IDS: list[str] = BODY["item_ids"]
GONE = IDS[2:5]
LEFT = [item_id for item_id in IDS if item_id not in GONE]


def ask(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    return dict(client.post("/v1/rank", json=body).raise_for_status().json())


@pytest.fixture(scope="module")
def client(served: Served, redis_url: str) -> Iterator[httpx.Client]:
    clear(redis_url)
    settings = settings_for(served.student, redis_url=redis_url, admin_token=TOKEN)
    with live_gateway(settings) as client:
        tell(
            client,
            {"item_id": GONE[0], "status": "paused"},
            {"item_id": GONE[1], "status": "removed"},
            {"item_id": GONE[2], "status": "paused"},
            {"item_id": "never-seen", "status": "removed"},
        )
        wait_until(lambda: len(ask(client, BODY)["item_ids"]) == 17, "the pause")
        yield client


def test_slate_is_that_of_the_others_alone(client: httpx.Client) -> None:
    with_gone, alone = ask(client, BODY), ask(client, BODY | {"item_ids": LEFT})
    assert sorted(with_gone.pop("unavailable")) == sorted(GONE)
    assert "unavailable" not in alone
    for answer in (with_gone, alone):
        del answer["request_id"]
    assert with_gone == alone
    assert with_gone["degraded"] == []


def test_removed_item_that_no_file_has_is_left_out_and_a_stranger_is_not(
    client: httpx.Client,
) -> None:
    answer = ask(client, BODY | {"item_ids": ["never-seen", "stranger", IDS[0]]})
    assert answer["unavailable"] == ["never-seen"]
    assert sorted(answer["item_ids"]) == sorted(["stranger", IDS[0]])
    assert answer["degraded"] == [{"stage": "features", "reason": "unknown_item"}]


def test_bids_and_features_stay_with_their_candidate(client: httpx.Client) -> None:
    candidates = [
        {"item_id": item_id, "bid": float(place + 1), "features": {"price": 3.0 * place}}
        for place, item_id in enumerate(IDS)
    ]
    body = {key: value for key, value in BODY.items() if key != "item_ids"}
    with_gone = ask(client, body | {"candidates": candidates})
    left = [candidate for candidate in candidates if candidate["item_id"] in LEFT]
    alone = ask(client, body | {"candidates": left})
    for column in ("item_ids", "scores", "values"):
        assert with_gone[column] == alone[column]


@pytest.mark.parametrize("extra", [{}, {"diversity": 0.5, "top_k": 2, "all_tasks": True}])
def test_nothing_left_is_an_empty_slate(client: httpx.Client, extra: dict[str, Any]) -> None:
    answer = ask(client, BODY | {"item_ids": GONE} | extra)
    assert (answer["item_ids"], answer["scores"], answer["unavailable"]) == ([], [], GONE)
    assert set(answer["coverage"].values()) == {0.0}
    assert answer["degraded"] == []


def test_they_are_counted_and_never_asked_for(client: httpx.Client) -> None:
    page = client.get("/metrics").text
    assert "understudy_unavailable_total 0.0" not in page
    assert "understudy_catalogue_delta_rows 4.0" in page
    assert "understudy_catalogue_items 301.0" in page


def test_resumed_item_is_back_with_its_columns(client: httpx.Client) -> None:
    before = ask(client, BODY | {"item_ids": [IDS[0]]})
    tell(client, {"item_id": IDS[0], "status": "paused"})
    wait_until(lambda: "unavailable" in ask(client, BODY | {"item_ids": [IDS[0]]}), "the pause")
    tell(client, {"item_id": IDS[0], "status": "active"})
    wait_until(lambda: "unavailable" not in ask(client, BODY | {"item_ids": [IDS[0]]}), "it")
    assert ask(client, BODY | {"item_ids": [IDS[0]]})["scores"] == before["scores"]


def test_changed_item_reads_its_new_columns(client: httpx.Client) -> None:
    item_id = IDS[7]
    body = {"user_id": "user-1", "timestamp_ms": NOW_MS, "context": BODY["context"]}
    features = {"brand": "brand-3", "category": "category-2", "price": 5000.0}
    inline = ask(client, body | {"candidates": [{"item_id": item_id, "features": features}]})
    tell(client, {"item_id": item_id, "status": "active", "features": features})
    wait_until(
        lambda: ask(client, body | {"item_ids": [item_id]})["scores"] == inline["scores"],
        "the new columns",
    )
