"""The routes of rollouts, models and the console: who may, what is refused, what is told."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from server.rollout_wire import Bundles, Models, RolloutHistory, Rollouts
from tests.browser.made import TOKEN, Made, served
from tests.server.live import wait_until

BEARER = {"Authorization": f"Bearer {TOKEN}"}
GUARDED = [
    ("GET", "/v1/rollouts"),
    ("GET", "/v1/rollouts/student/history"),
    ("POST", "/v1/rollouts/student"),
    ("GET", "/v1/models"),
    ("GET", "/v1/bundles"),
    ("GET", "/console/live"),
]


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def client(made: Made) -> Iterator[httpx.Client]:
    with served(made) as url, httpx.Client(base_url=url, headers=BEARER) as client:
        yield client


def act(client: httpx.Client, **asked: Any) -> httpx.Response:
    return client.post("/v1/rollouts/student", json=asked)


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_the_token_nothing_is_told_or_done(
    client: httpx.Client, made: Made, method: str, path: str
) -> None:
    refused = client.request(
        method, path, json={"act": "abort"}, headers={"Authorization": "Bearer x"}
    )
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert made.asked == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/rollouts", Rollouts),
        ("/v1/rollouts/student/history", RolloutHistory),
        ("/v1/models", Models),
        ("/v1/bundles", Bundles),
    ],
)
def test_what_is_told_is_of_the_wire_type(client: httpx.Client, path: str, kind: type) -> None:
    answered = client.get(path)
    assert answered.status_code == 200
    assert msgspec.json.decode(answered.content, type=kind) is not None


def test_history_is_as_long_as_asked_and_the_newest_first(client: httpx.Client) -> None:
    told = client.get("/v1/rollouts/student/history?count=2").json()["transitions"]
    assert len(told) == 2
    assert told[0]["at_ms"] > told[1]["at_ms"]


@pytest.mark.parametrize("count", ["0", "1001", "many", "-1", "²", "1" * 5000])
def test_count_that_is_none_is_refused(client: httpx.Client, count: str) -> None:
    refused = client.get("/v1/rollouts/student/history", params={"count": count})
    assert (refused.status_code, refused.json()["field"]) == (422, "count")


def test_act_reaches_the_rollout_with_who_and_why(client: httpx.Client, made: Made) -> None:
    answered = act(client, act="pause", reason="lunch", by="mara")
    assert answered.status_code == 200
    [(model, asked, by)] = made.asked
    assert (model, asked.act, asked.reason, by) == ("student", "pause", "lunch", "mara@127.0.0.1")


def test_who_says_no_name_is_the_admin(client: httpx.Client, made: Made) -> None:
    act(client, act="resume")
    assert made.asked[0][2] == "admin@127.0.0.1"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"act": "stop"}, "act"),
        ({}, "act"),
        ({"act": "start"}, "to"),
        ({"act": "start", "to": ""}, "to"),
        ({"act": "pause", "to": "student-1"}, "to"),
        ({"act": "abort", "plan": "direct"}, "plan"),
        ({"act": "pause", "all": True}, "all"),
        ({"act": "pause", "reason": "a\nb"}, "reason"),
        ({"act": "pause", "by": "mara\x1b[2J"}, "by"),
        ({"act": "pause", "by": "x" * 65}, "by"),
        ({"act": "pause", "who": "mara"}, "who"),
    ],
)
def test_act_that_breaks_a_rule_is_refused(
    client: httpx.Client, made: Made, asked: dict[str, Any], field: str
) -> None:
    refused = act(client, **asked)
    assert refused.status_code == 422
    assert refused.json()["field"] == field
    assert refused.json()["remedy"]
    assert made.asked == []


def test_act_that_cannot_be_done_now_is_a_conflict(client: httpx.Client, made: Made) -> None:
    made.refuses = "the rollout is paused already"
    refused = act(client, act="pause")
    assert refused.status_code == 409
    assert refused.json()["detail"] == "the rollout is paused already"


def test_model_that_is_not_served_is_unknown(client: httpx.Client) -> None:
    refused = client.post("/v1/rollouts/other", json={"act": "pause"})
    assert refused.status_code == 404
    assert refused.headers["Content-Type"] == "application/problem+json"


def events(client: httpx.Client, count: int) -> list[tuple[str, Any]]:
    told: list[tuple[str, Any]] = []
    with client.stream("GET", "/console/live") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                told.append((name, json.loads(line.removeprefix("data: "))))
            if len(told) == count:
                break
    return told


def test_live_begins_with_the_trails_and_goes_on_with_snapshots(
    client: httpx.Client, made: Made
) -> None:
    made.walk([100, 900])
    (first, trails), *others = events(client, 4)
    assert first == "trails"
    assert trails[0]["requests"] == [100, 900]
    assert trails[0]["guardrails"]["clicks"][0][0] == pytest.approx(-0.0126)
    assert [name for name, _ in others] == ["snapshot"] * 3
    times = [snapshot["at_ms"] for _, snapshot in others]
    assert times == sorted(times)
    assert others[0][1]["rollouts"][0]["verdict"]["figures"]["clicks"]["margin"] == 0.03


def test_consoles_that_left_make_room(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.console.hub.MAX_WATCHERS", 2)
    with client.stream("GET", "/console/live"), client.stream("GET", "/console/live"):
        assert not is_let_in(client)
    wait_until(lambda: is_let_in(client), "room")


def is_let_in(client: httpx.Client) -> bool:
    with client.stream("GET", "/console/live") as answer:
        return answer.status_code == 200


def test_live_ends_with_the_gateway(client: httpx.Client, made: Made) -> None:
    with client.stream("GET", "/console/live") as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("event: ")
        made.is_ending = True
        assert sum(line.startswith("event: ") for line in lines) < 10
