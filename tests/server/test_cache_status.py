"""GET /v1/cache/status: everything at once, and whatever can be had without Redis."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from cache.connection import connect
from cache.errors import StoreUnavailable
from cache.worth_summary import Worth, WorthSummary, worth_key, write_summary
from server.redis_status import KEPT_S, RedisStatus
from tests.bundles import SPACE, rank_body, tiny_users
from tests.cache.fake_clock import FakeClock
from tests.server.conftest import Served
from tests.server.kept import body_of, page_for
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.loaded_cache import clear, records_of, write
from tests.server.test_redis_down import closed_port, listener


def status(client: httpx.Client) -> dict[str, Any]:
    answered = client.get("/v1/cache/status")
    assert answered.status_code == 200, answered.text
    return dict(answered.json())


@pytest.mark.redis
def test_status_tells_coverage_ages_objectives_feeds_and_backlog(
    served: Served, redis_url: str
) -> None:
    clear(redis_url)
    write(redis_url, records_of(tiny_users()) | page_for("user-0"))
    settings = settings_for(
        served.student, redis_url=redis_url, coverage_objective=0.9, pair_coverage_objective=0.98,
        teacher_age_objective_s=30.0, served_share=1.0,
    )  # fmt: skip
    with live_gateway(settings) as client:
        client.post("/v1/rank", json=body_of(0)).raise_for_status()
        wait_until(lambda: (status(client)["refresh"] or {}).get("backlog"), "the demand")
        told = status(client)
    [student] = told["students"]
    assert (student["lane"], student["space"]) == ("stable", SPACE)
    window = student["windows"]["6h"]
    assert window["candidates"] == 20
    assert window["coverage"] == {"pair": 0.5, "neighbour": 0, "user": 0.5, "item": 0, "none": 0}
    assert 30.0 < window["teacher_age_s"]["p50"] <= 60.0
    by_name = {each["objective"]: each for each in student["objectives"]}
    assert by_name["coverage"]["is_met"] is True
    assert by_name["coverage"]["burn"]["5m"] == 0.0
    assert by_name["pair_coverage"]["burn"]["1h"] == pytest.approx(25.0)
    assert by_name["pair_coverage"]["alert"] == "fast"
    assert by_name["teacher_age"]["burn"]["1h"] == pytest.approx(20.0)
    assert (told["redis"], told["breaker"], told["worth"]) == ("available", "closed", None)
    assert told["refresh"]["unsettled_pairs"] == told["refresh"]["pairs"]["demanded"] == 10
    assert told["refresh"]["workers"] == 0
    assert told["feeds"]["demand"]["sent"] == 1
    assert told["feeds"]["served"]["offered"] == 1


@pytest.mark.redis
def test_status_shows_what_the_teacher_was_found_to_be_worth(
    served: Served, redis_url: str
) -> None:
    clear(redis_url)
    found = WorthSummary(
        2, 1, "student", "v1", "v2", "click", {"all": Worth(10, 0.4, 0.3, 0.5)}
    )  # fmt: skip

    async def write_it() -> None:
        client = connect(redis_url)
        await write_summary(client, SPACE, found)
        await client.aclose()

    asyncio.run(write_it())
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        worth = status(client)["worth"]
    assert worth["slices"]["all"] == {"candidates": 10, "ratio": 0.4, "low": 0.3, "high": 0.5}
    assert (worth["since_ms"], worth["task"]) == (1, "click")


@pytest.mark.redis
def test_summary_of_another_format_is_none(served: Served, redis_url: str) -> None:
    clear(redis_url)
    write(redis_url, {worth_key(SPACE): b"\x93\x01\x02\x03"})
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        told = status(client)
    assert (told["redis"], told["worth"]) == ("available", None)


@pytest.mark.redis
def test_student_without_a_space_has_no_refreshers(served: Served, redis_url: str) -> None:
    with live_gateway(settings_for(served.alone, redis_url=redis_url)) as client:
        told = status(client)
    assert (told["redis"], told["refresh"]) == ("available", None)
    assert told["students"][0]["space"] is None


def test_gateway_without_redis_says_so_and_tells_the_rest(gateway: httpx.Client) -> None:
    gateway.post("/v1/rank", json=rank_body("user-1", 5)).raise_for_status()
    told = status(gateway)
    assert (told["redis"], told["refresh"], told["feeds"]) == ("not_configured", None, {})
    assert told["students"][0]["windows"]["1h"]["coverage"]["none"] == 1.0


def test_dead_redis_is_unavailable_and_no_error(served: Served) -> None:
    settings = settings_for(
        served.student, redis_url=closed_port(), breaker_failures=1, breaker_open_ms=60_000.0
    )
    with live_gateway(settings) as client:
        client.post("/v1/rank", json=rank_body("user-1", 5)).raise_for_status()
        told = status(client)
    assert (told["redis"], told["breaker"], told["refresh"]) == ("unavailable", "open", None)
    assert sum(told["failed_reads"].values()) >= 1


def test_silent_redis_costs_the_status_its_budget_and_no_more(served: Served) -> None:
    with listener(None) as url:
        settings = settings_for(served.student, redis_url=url, cache_timeout_ms=30.0)
        with live_gateway(settings) as client:
            assert status(client)["redis"] == "unavailable"


def test_gateway_that_is_not_ready_says_so(tmp_path: Path) -> None:
    with live_gateway(settings_for(tmp_path / "missing"), wait_ready=False) as client:
        answered = client.get("/v1/cache/status")
    assert (answered.status_code, answered.json()["title"]) == (503, "Not ready")


async def test_redis_is_looked_at_once_a_second_however_many_ask() -> None:
    clock, looks = FakeClock(), 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return looks

    held = RedisStatus(look, 1.0, clock)
    assert await asyncio.gather(*(held.now() for _ in range(20))) == [1] * 20
    clock.now += KEPT_S
    assert await held.now() == 2


async def test_failed_look_is_kept_too() -> None:
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        raise StoreUnavailable("down")

    held = RedisStatus(look, 1.0, FakeClock())
    assert [await held.now(), await held.now()] == [None, None]
    assert looks == 1
