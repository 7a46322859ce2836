"""GET /v1/slow of a live gateway."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.body import shown
from server.slow.slow_log import SlowLog
from server.stages import StageClock
from tests.bundles import rank_body
from tests.cache.refresh.waiting import until
from tests.server.access.keys import entry, write_keys
from tests.server.changes import BEARER, TOKEN
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for

KEY = "feed-secret-of-a-caller"


def slow(client: httpx.Client, query: str = "") -> dict[str, Any]:
    answered = client.get(f"/v1/slow{query}", headers=BEARER)
    assert answered.status_code == 200, answered.text
    return dict(answered.json())


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return write_keys(tmp_path / "keys.toml", entry(KEY))


def test_slow_request_is_told_with_what_may_explain_it(served: Served, keys: Path) -> None:
    settings = settings_for(served.student, admin_token=TOKEN, keys=keys)
    bearer = {"Authorization": f"Bearer {KEY}"}
    with live_gateway(settings) as client:
        body = rank_body("user-1", 40, request_id="r-1", deadline_ms=20_000)
        answer = client.post("/v1/rank", json=body, headers=bearer).json()
        told = slow(client)
    [request] = told["requests"]
    assert (told["kept"], told["window_s"], told["silent_workers"]) == (32, 60.0, 0)
    assert (request["request_id"], request["status"], request["candidates"]) == ("r-1", 200, 40)
    for name in ("model", "version", "lane", "coverage", "degraded", "teacher_age_s"):
        assert request[name] == answer[name]
    assert (request["key"], request["deadline_ms"]) == (KEY, 20_000)  # the key's name
    assert (request["batch_requests"], request["batch_candidates"]) == (1, 40)
    assert request["total_ms"] == pytest.approx(sum(request["stages"].values()), abs=0.01)
    assert request["inputs"]["context"] == {"placement": "feed", "slot_width": "320"}
    assert request["inputs"]["item_ids"] == body["item_ids"][:16]
    assert "user-1" not in str(told)


def test_secrets_are_nowhere_on_the_page(served: Served, tmp_path: Path) -> None:
    path = write_keys(tmp_path / "keys.toml", entry(KEY).replace(f'"{KEY}"', '"feed"'))
    settings = settings_for(served.student, admin_token=TOKEN, keys=path)
    with live_gateway(settings) as client:
        headers = {"Authorization": f"Bearer {KEY}"}
        client.post("/v1/rank", json=rank_body("u", 3), headers=headers).raise_for_status()
        client.post("/v1/rank", json=rank_body("u", 3), headers={"Authorization": "Bearer no"})
        page = client.get("/v1/slow", headers=BEARER).text
    assert '"key":"feed"' in page
    assert KEY not in page
    assert TOKEN not in page


def test_refused_requests_are_told_with_their_status(served: Served) -> None:
    with live_gateway(settings_for(served.student, admin_token=TOKEN)) as client:
        late = rank_body("user-1", 5, deadline_ms=1e-6, request_id="late")
        assert client.post("/v1/rank", json=late).status_code in (429, 504)
        assert client.post("/v1/rank", content=b"{").status_code == 400
        by_status = {each["status"]: each for each in slow(client)["requests"]}
    assert by_status[400]["request_id"] is by_status[400]["inputs"] is None
    [refused] = [each for status, each in by_status.items() if status in (429, 504)]
    assert (refused["request_id"], refused["lane"], refused["candidates"]) == ("late", "stable", 5)
    assert refused["coverage"] is None


def test_open_inference_is_told_of_too(served: Served) -> None:
    inputs = [
        {"name": "user_id", "shape": [1], "datatype": "BYTES", "data": ["user-1"]},
        {"name": "item_ids", "shape": [2], "datatype": "BYTES", "data": ["item-1", "item-2"]},
    ]
    with live_gateway(settings_for(served.student, admin_token=TOKEN)) as client:
        answered = client.post("/v2/models/student/infer", json={"id": "v2-1", "inputs": inputs})
        assert answered.status_code == 200, answered.text
        client.post("/v2/models/student/infer", json={"id": "v2-2", "inputs": inputs[:1]})
        told = slow(client)["requests"]
    assert sorted(each["status"] >= 400 for each in told) == [False, True]
    [done] = [each for each in told if each["status"] == 200]
    assert (done["request_id"], done["candidates"]) == ("v2-1", 2)


def test_inputs_can_be_left_out_and_users_named(served: Served) -> None:
    for given, expected in (
        ({"slow_inputs": False}, None),
        ({"slow_user_ids": True}, "user-1"),
    ):
        with live_gateway(settings_for(served.student, admin_token=TOKEN, **given)) as client:
            client.post("/v1/rank", json=rank_body("user-1", 3)).raise_for_status()
            [request] = slow(client)["requests"]
        assert (request["inputs"] and request["inputs"]["user"]) == expected


def test_no_more_are_told_than_are_kept_or_asked_for(served: Served) -> None:
    with live_gateway(settings_for(served.student, admin_token=TOKEN, slow_kept=5)) as client:
        for number in range(12):
            client.post("/v1/rank", json=rank_body("u", 3 + number)).raise_for_status()
        times = [each["total_ms"] for each in slow(client)["requests"]]
        assert len(slow(client, "?count=2")["requests"]) == 2
    assert len(times) == 5
    assert times == sorted(times, reverse=True)


async def test_windows_end_by_themselves(served: Served) -> None:
    log = SlowLog(settings_for(served.student, admin_token=TOKEN, slow_window_s=0.01))
    log.refused(StageClock(), 504, None)
    assert len(log.slowest()) == 1

    async def is_empty() -> bool:
        return not log.slowest()

    running = asyncio.create_task(log.run())
    await until(is_empty)
    running.cancel()


def test_nothing_is_kept_where_it_is_off(served: Served) -> None:
    with live_gateway(settings_for(served.student, admin_token=TOKEN, slow_kept=0)) as client:
        client.post("/v1/rank", json=rank_body("u", 3)).raise_for_status()
        told = slow(client)
    assert (told["kept"], told["requests"]) == (0, [])


def test_page_is_the_administrators(served: Served) -> None:
    with live_gateway(settings_for(served.student)) as client:
        assert client.get("/v1/slow", headers=BEARER).status_code == 404
    with live_gateway(settings_for(served.student, admin_token=TOKEN)) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            refused = client.get("/v1/slow", headers=headers)
            assert (refused.status_code, refused.json()["field"]) == (401, "Authorization")


WRONG_COUNTS = (
    "", "0", "1001", "many", "-1", "+5", " 5", "5\n", "1_0", "1e2", "\u0665",
    "0000000015000", "00000000015", "9" * 5000,
)  # fmt: skip


def test_count_that_is_none_of_those_is_refused(served: Served) -> None:
    with live_gateway(settings_for(served.student, admin_token=TOKEN)) as client:
        for count in WRONG_COUNTS:
            refused = client.get("/v1/slow", params={"count": count}, headers=BEARER)
            problem = refused.json()
            assert (refused.status_code, problem["field"]) == (422, "count"), count
            assert problem["value"] == shown(count)
            assert "1 to 1000" in problem["detail"]
            assert problem["remedy"]
        for count in ("1", "0005", "1000"):
            assert slow(client, f"?count={count}")["requests"] == []
