"""Both clients before a live gateway."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from server.stages import STAGES
from tests.bundles import NOW_MS, rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for, wait_until
from tests.understudy_client.asked import Asked, FakeClock, Kind
from tests.understudy_client.scripted import ScriptedGateway, ranked, silence
from understudy_client.async_client import AsyncClient
from understudy_client.client import Client
from understudy_client.wire import Candidate, Degraded, Event, EventsAccepted, Item, Ready


def body(count: int, **extra: Any) -> dict[str, Any]:
    asked = rank_body("user-1", count, timestamp_ms=NOW_MS, **extra)
    return {name: value for name, value in asked.items() if name not in ("user_id", "item_ids")}


def items(count: int) -> list[str]:
    return list(rank_body("user-1", count)["item_ids"])


def test_ranking_is_what_the_gateway_says(asked: Asked, gateway: httpx.Client) -> None:
    ranking = asked.rank("user-1", items(20), **body(20, request_id="r-7"))
    whole = rank_body("user-1", 20, timestamp_ms=NOW_MS)
    told = gateway.post("/v1/rank", json=whole).json()
    assert list(ranking.item_ids) == told["item_ids"]
    assert list(ranking.scores) == told["scores"]
    assert (ranking.request_id, ranking.model, ranking.lane) == ("r-7", "student", "stable")
    assert ranking.version == told["version"]
    assert ranking.coverage.none == 1.0
    assert (ranking.values, ranking.unavailable, ranking.task_scores) == (None, (), None)
    assert (ranking.teacher_age_s, ranking.degraded) == (None, ())


def test_stages_are_those_of_the_gateway_and_add_up(asked: Asked) -> None:
    stages_ms = asked.rank("user-1", items(5), **body(5)).stages_ms
    assert list(stages_ms) == [*STAGES, "total"]
    assert sum(stages_ms[stage] for stage in STAGES) == pytest.approx(stages_ms["total"], abs=1e-3)


def test_bids_features_and_tasks_go_along(asked: Asked) -> None:
    candidates = [
        Candidate("item-1", bid=0.5, features={"price": 5000}),
        Candidate("item-2", bid=2.5),
        {"item_id": "item-3", "bid": 1.0},
    ]
    ranking = asked.rank("user-1", candidates=candidates, all_tasks=True, top_k=2, model=None)
    assert ranking.values is not None
    assert len(ranking.values) == len(ranking.item_ids) == 2
    assert ranking.task_scores is not None
    assert set(ranking.task_scores) == {"click", "conversion"}
    assert ranking.task_scores["click"] == ranking.scores


def test_degradation_is_named(asked: Asked) -> None:
    ranking = asked.rank("user-1", ["item-1", "never-seen"])
    assert ranking.degraded == (Degraded("features", "unknown_item"),)


def test_json_gives_the_same_ranking(gateway: httpx.Client, kind: Kind) -> None:
    told = []
    for encoding in ("msgpack", "json"):
        url = str(gateway.base_url)
        with Asked(kind, url, encoding=encoding, deadline_ms=30_000.0) as client:
            told.append(client.rank("user-1", items(20), **body(20)))
    assert told[0].item_ids == told[1].item_ids
    assert told[0].scores == told[1].scores


def test_ready_says_which_model_answers(asked: Asked) -> None:
    ready = asked("ready")
    assert isinstance(ready, Ready)
    assert (ready.status, ready.model, ready.lane) == ("ready", "student", "stable")


def test_cache_status_of_a_gateway_without_redis(asked: Asked) -> None:
    status = asked("cache_status")
    assert (status.redis, status.refresh, status.worth) == ("not_configured", None, None)
    assert [student.model for student in status.students] == ["student"]


@pytest.mark.redis
def test_events_and_items_are_taken(served: Served, redis_url: str, kind: Kind) -> None:
    token = SecretStr("secret")
    settings = settings_for(served.student, redis_url=redis_url, admin_token=token)
    shown = Event(event_id="e-1", type="impression", user_id="u", item_id="item-1")
    with live_gateway(settings) as live, Asked(kind, str(live.base_url), key="secret") as client:
        assert client("events", iter([shown])) == EventsAccepted(1)
        paused = Item(item_id=f"paused-{kind}", status="paused", features={"colour": "red"})
        taken = client("items", [paused])
        assert (taken.accepted, taken.changed) == (1, 1)
        assert taken.unknown_features == ("colour",)
        assert client("cache_status").redis == "available"


def test_connections_are_used_again(scripted: ScriptedGateway, kind: Kind) -> None:
    scripted.answers(*[ranked()] * 5)
    with Asked(kind, scripted.url, clock=FakeClock(), deadline_ms=30_000.0) as client:
        for _ in range(5):
            client.rank("u", ["item-1"])
    assert (len(scripted.heard), scripted.connections) == (5, 1)


def test_what_is_sent_is_messagepack_with_the_key(scripted: ScriptedGateway, kind: Kind) -> None:
    scripted.answers(ranked())
    with Asked(kind, f"{scripted.url}/prefix/", key="k-1", clock=FakeClock()) as client:
        client.rank("u", (item for item in ["item-1"]), top_k=None)
    (heard,) = scripted.heard
    assert heard.line == "POST /prefix/v1/rank HTTP/1.1"
    assert heard.headers["content-type"] == "application/msgpack"
    assert heard.headers["authorization"] == "Bearer k-1"
    assert heard.fields == {
        "user_id": "u", "item_ids": ["item-1"], "deadline_ms": pytest.approx(100.0)
    }  # fmt: skip


def test_what_a_newer_gateway_adds_is_ignored(scripted: ScriptedGateway) -> None:
    coverage = {"pair": 0.5, "none": 0.5, "region": 0.0}
    scripted.answers(ranked(explanations=[{"why": None}], coverage=coverage))
    with Client(scripted.url, deadline_ms=30_000.0) as client:
        ranking = client.rank("u", ["item-1"])
    assert ranking.item_ids == ("item-2", "item-1")
    assert ranking.coverage.pair == 0.5


def test_threads_share_a_client(gateway: httpx.Client) -> None:
    users = [f"user-{number}" for number in range(12)]
    with (
        Client(str(gateway.base_url), deadline_ms=30_000.0) as client,
        ThreadPoolExecutor(6) as threads,
    ):
        told = list(threads.map(lambda u: client.rank(u, items(20), request_id=u), users))
    assert [ranking.request_id for ranking in told] == users


async def test_tasks_share_a_client(gateway: httpx.Client) -> None:
    users = [f"user-{number}" for number in range(12)]
    async with AsyncClient(str(gateway.base_url), deadline_ms=30_000.0, connections=4) as client:
        asked = [client.rank(user, items(20), request_id=user) for user in users]
        told = await asyncio.gather(*asked)
    assert [ranking.request_id for ranking in told] == users


async def test_call_that_is_cancelled_leaves_the_client_sound(scripted: ScriptedGateway) -> None:
    scripted.answers(silence, ranked(request_id="next"))
    async with AsyncClient(scripted.url, deadline_ms=30_000.0, connections=1) as client:
        given_up = asyncio.create_task(client.rank("u", ["item-1"]))
        await asyncio.to_thread(wait_until, lambda: scripted.heard, "the request")
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert (await client.rank("u", ["item-1"])).request_id == "next"
