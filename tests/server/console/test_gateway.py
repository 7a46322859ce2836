"""The console of a real gateway."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.bundles import rank_body
from tests.registries import filled
from tests.server.changes import BEARER, TOKEN
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.test_openapi import ROOT

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def registry(served: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("registry")
    filled("file", folder, served.student, served.teacher)
    return f"file://{folder}/registry"


@pytest.fixture(scope="module")
def client(served: Served, redis_url: str, registry: str) -> Iterator[httpx.Client]:
    settings = settings_for(
        served.student, redis_url=redis_url, admin_token=TOKEN, registry=registry
    )
    with live_gateway(settings) as client:
        client.headers.update(BEARER)
        yield client


def snapshots(client: httpx.Client, count: int, rank: bool = False) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    with client.stream("GET", "/console/live") as answer:
        is_snapshot = False
        for line in answer.iter_lines():
            if line.startswith("event: "):
                is_snapshot = line == "event: snapshot"
            elif line.startswith("data: ") and is_snapshot:
                told.append(json.loads(line.removeprefix("data: ")))
                if rank:
                    body = rank_body("user-1", 3, deadline_ms=30_000)
                    client.post("/v1/rank", json=body).raise_for_status()
            if len(told) == count:
                return told
    return told


def test_live_figures_are_of_what_was_just_ranked(client: httpx.Client) -> None:
    first, *_, last = snapshots(client, 3, rank=True)
    assert first["live"]["seconds"] == 0.0
    assert last["status"] == "ready"
    live = last["live"]
    assert 0.5 < live["seconds"] < 30.0
    assert live["requests_per_s"] > 0.0
    assert live["candidates_per_s"] == pytest.approx(3 * live["requests_per_s"])
    [lane] = live["lanes"]
    assert lane["lane"] == "stable"
    assert lane["stages"]["total"]["p99_ms"] >= lane["stages"]["inference"]["p50_ms"] > 0.0
    assert sum(lane["coverage"].values()) == pytest.approx(1.0)
    assert set(live["statuses"]) == {"200"}


def test_gateway_is_in_its_own_fleet(client: httpx.Client) -> None:
    [status] = snapshots(client, 2)[-1]["rollouts"]
    assert (status["model"], status["stage"]) == ("student", "idle")
    assert any(each["is_alive"] for each in status["fleet"])


def test_rollout_that_was_started_here_is_seen_and_aborted(
    client: httpx.Client, served: Served
) -> None:
    body = {"act": "start", "to": str(served.folder), "plan": "direct", "reason": "a try"}
    answered = client.post("/v1/rollouts/student", json=body)
    # The only other bundle at hand is the one that is served, which there is nothing to roll out.
    assert answered.status_code == 409
    assert "answer from already" in answered.json()["detail"]
    assert client.get("/v1/rollouts").json()["rollouts"][0]["stage"] == "idle"


def test_loaded_lanes_are_told(client: httpx.Client, served: Served) -> None:
    told = client.get("/v1/models").json()
    [model] = told["models"]
    assert (model["model"], model["is_default"]) == ("student", True)
    [lane] = model["lanes"]
    assert lane["folder"] == str(served.student)
    assert lane["bundle_bytes"] > 0
    assert told["resident_bytes"] > lane["bundle_bytes"]


def test_bundles_of_the_registry_are_told(
    client: httpx.Client, registry: str, served: Served
) -> None:
    told = client.get("/v1/bundles").json()
    assert told["registry"] == registry
    named = {f"{each['name']}-{each['version']}": each for each in told["bundles"]}
    assert named[served.student.name]["role"] == "student"
    assert named[served.teacher.name]["pushed_by"] == "alice@build"


def test_counted_paths_name_no_model(client: httpx.Client) -> None:
    client.get("/v1/rollouts/student/history")
    client.post("/v1/rollouts/nosuch", json={"act": "pause"})
    page = client.get("/metrics").text
    assert 'route="/v1/rollouts/{model}/history"' in page
    assert "nosuch" not in page


def test_without_a_token_there_is_no_console(served: Served) -> None:
    with live_gateway(settings_for(served.student)) as client:
        for path in ("/console", "/console/live", "/console/main.js", "/v1/rollouts", "/v1/models"):
            assert client.get(path, headers=BEARER).status_code == 404


def test_without_redis_there_are_no_rollouts_but_figures(served: Served) -> None:
    with live_gateway(settings_for(served.student, admin_token=TOKEN)) as client:
        client.headers.update(BEARER)
        told = snapshots(client, 1)[0]
        assert (told["status"], told["rollouts"]) == ("ready", [])
        assert client.get("/v1/bundles").json() == {"registry": None, "bundles": []}
        refused = client.post("/v1/rollouts/student", json={"act": "pause"})
    assert refused.status_code == 404
    assert "UNDERSTUDY_REDIS_URL" in refused.json()["remedy"]


@pytest.mark.slow
def test_schemathesis_finds_nothing(client: httpx.Client) -> None:
    command = [
        sys.executable, "-m", "schemathesis.cli",
        "--config-file", str(ROOT / "schemathesis.toml"),
        "run", str(client.base_url.join("/openapi.json")),
        "--include-path-regex", "^/v1/(rollouts|models|bundles|slow)",
        "--header", f"Authorization: Bearer {TOKEN}",
        "--checks", "all", "--max-examples", "30", "--seed", "7", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
