"""What a caller sees of POST /v1/rank, on a real socket."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

from server.stages import STAGES
from tests.bundles import NOW_MS, rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for


def rank(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    return dict(client.post("/v1/rank", json=body).raise_for_status().json())


def test_answer_is_every_candidate_best_first(gateway: httpx.Client) -> None:
    body = rank_body("user-1", 50, request_id="r-1")
    answer = rank(gateway, body)
    assert sorted(answer["item_ids"]) == sorted(body["item_ids"])
    assert answer["scores"] == sorted(answer["scores"], reverse=True)
    assert all(0.0 < score < 1.0 for score in answer["scores"])
    assert answer["request_id"] == "r-1"
    assert (answer["model"], answer["lane"]) == ("student", "stable")
    assert answer["coverage"]["none"] == 1.0
    assert answer["teacher_age_s"] is None
    assert answer["degraded"] == []
    assert "values" not in answer


def test_same_request_gives_the_same_scores(gateway: httpx.Client) -> None:
    body = rank_body("user-1", 50, timestamp_ms=NOW_MS)
    first, second = rank(gateway, body), rank(gateway, body)
    assert first["scores"] == second["scores"]
    assert first["request_id"] != second["request_id"]


def test_top_k_is_the_head_of_the_whole_order(gateway: httpx.Client) -> None:
    body = rank_body("user-1", 50, timestamp_ms=NOW_MS)
    assert rank(gateway, body | {"top_k": 7})["item_ids"] == rank(gateway, body)["item_ids"][:7]
    assert len(rank(gateway, body | {"top_k": 5000})["item_ids"]) == 50


def test_bids_change_the_order_and_not_the_scores(gateway: httpx.Client) -> None:
    plain = rank(gateway, rank_body("user-1", 10, timestamp_ms=NOW_MS))
    scores = dict(zip(plain["item_ids"], plain["scores"], strict=True))
    body = rank_body("user-1", 0, timestamp_ms=NOW_MS)
    del body["item_ids"]
    bids = dict(zip(plain["item_ids"], np.linspace(0.0, 5.0, 10).tolist(), strict=True))
    body["candidates"] = [{"item_id": item_id, "bid": bid} for item_id, bid in bids.items()]
    answer = rank(gateway, body)
    assert answer["values"] == sorted(answer["values"], reverse=True)
    assert answer["item_ids"] != plain["item_ids"]
    for item_id, score, value in zip(
        answer["item_ids"], answer["scores"], answer["values"], strict=True
    ):
        assert score == scores[item_id]
        assert value == score * bids[item_id]


def test_task_chooses_the_head(gateway: httpx.Client) -> None:
    body = rank_body("user-1", 10, timestamp_ms=NOW_MS)
    assert rank(gateway, body | {"task": "click"})["scores"] == rank(gateway, body)["scores"]
    assert rank(gateway, body | {"task": "conversion"})["scores"] != rank(gateway, body)["scores"]


def test_inline_feature_changes_one_score_and_no_other(gateway: httpx.Client) -> None:
    def scores(features: dict[str, Any]) -> dict[str, float]:
        candidates: list[dict[str, Any]] = [{"item_id": f"item-{n}"} for n in range(5)]
        candidates[2]["features"] = features
        body = {"user_id": "user-1", "candidates": candidates, "timestamp_ms": NOW_MS}
        answer = rank(gateway, body)
        return dict(zip(answer["item_ids"], answer["scores"], strict=True))

    plain, dear = scores({}), scores({"price": 5000, "brand": "brand-3"})
    assert {item_id for item_id in plain if plain[item_id] != dear[item_id]} == {"item-2"}


@pytest.mark.parametrize(
    ("change", "stage", "reason"),
    [
        ({"item_ids": ["item-1", "never-seen"]}, "features", "unknown_item"),
        ({"context": {"plcement": "feed"}}, "features", "unknown_context"),
        ({"diversity": 0.5}, "rerank", "no_embeddings"),
    ],
)
def test_answer_with_less_says_so(
    gateway: httpx.Client, change: dict[str, Any], stage: str, reason: str
) -> None:
    answer = rank(gateway, rank_body("user-1", 5) | change)
    assert answer["degraded"] == [{"stage": stage, "reason": reason}]
    assert len(answer["item_ids"]) == len((rank_body("user-1", 5) | change)["item_ids"])


def test_unknown_inline_feature_says_so(gateway: httpx.Client) -> None:
    candidates = [{"item_id": "item-1", "features": {"colour": "red"}}]
    answer = rank(gateway, {"user_id": "u", "candidates": candidates})
    assert answer["degraded"] == [{"stage": "features", "reason": "unknown_feature"}]


@pytest.mark.parametrize("count", [1, 299])
def test_stages_add_up_to_the_total(gateway: httpx.Client, count: int) -> None:
    answered = gateway.post("/v1/rank", json=rank_body("user-1", count))
    timing = re.findall(r"(\w+);dur=([\d.]+)", answered.headers["Server-Timing"])
    *stages, (last, total) = [(name, float(value)) for name, value in timing]
    assert [name for name, _ in stages] == list(STAGES)
    assert last == "total"
    assert round(sum(value for _, value in stages), 3) == total
    assert all(value >= 0.0 for _, value in stages)


def test_teacher_bundle_can_be_served_to_measure_it(served: Served) -> None:
    with live_gateway(settings_for(served.teacher)) as client:
        answer = rank(client, rank_body("user-1", 5))
    assert answer["model"] == "teacher"
    assert answer["coverage"]["none"] == 1.0


def test_requests_at_once_each_get_their_own_answer(gateway: httpx.Client) -> None:
    bodies = [rank_body(f"user-{n}", 20, seed=n, timestamp_ms=NOW_MS) for n in range(12)]
    alone = [rank(gateway, body)["item_ids"] for body in bodies]
    limits = httpx.Limits(max_connections=12)
    with (
        httpx.Client(base_url=gateway.base_url, limits=limits, timeout=30.0) as many,
        ThreadPoolExecutor(12) as threads,
    ):
        together = list(threads.map(lambda body: rank(many, body)["item_ids"], bodies))
    assert together == alone
