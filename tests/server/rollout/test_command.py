import asyncio
import json
import os
from collections.abc import Sequence
from typing import Any

import pytest
from redis import Redis
from typer.testing import CliRunner, Result

from cache.connection import connect
from cache.rollout_board import RolloutBoard
from models.manifest import read_manifest
from server.rollout.command import app
from server.rollout.errors import ActRefused, PlanInvalid
from server.rollout.state import State
from tests.server.conftest import Served
from tests.server.rollout.gateways import GOOD, tell
from tests.server.rollout.states import CANARY, SHADOWING, presence, put

pytestmark = pytest.mark.redis


@pytest.fixture
def empty(redis_url: str) -> str:
    with Redis.from_url(redis_url) as client:
        client.flushall()
    return redis_url


def asked(url: str, *arguments: str) -> Result:
    env = {"COLUMNS": "200", "UNDERSTUDY_REDIS_URL": url}
    return CliRunner().invoke(app, [*arguments], env=env)


def told(url: str, *arguments: str) -> Any:
    result = asked(url, *arguments, "--json")
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.output)


def written(url: str, *states: State, sums: dict[str, bytes] | None = None) -> None:
    async def write() -> None:
        client = connect(url)
        board = RolloutBoard(client, "student")
        for state in states:
            await put(board, state)
        await tell(board, sums, detail="[red]d[/red]")
        await client.aclose()

    asyncio.run(write())


def refused(url: str, arguments: Sequence[str], error: type[Exception], why: str) -> None:
    result = asked(url, *arguments)
    assert isinstance(result.exception, error)
    assert why in str(result.exception)


def test_rollout_is_started_paused_resumed_and_given_up(empty: str, served: Served) -> None:
    folder = os.fspath(served.folder)
    state = told(empty, "start", "--to", folder, "--reason", "better", "--by", "me")["state"]
    assert (state["stage"], state["candidate"]) == ("verifying", str(served.folder.resolve()))
    assert (state["by"], state["reason"]) == ("me", "better")
    refused(empty, ["start", "--to", folder], ActRefused, "abort it first")
    assert told(empty, "pause")["state"]["is_paused"]
    assert not told(empty, "resume")["state"]["is_paused"]
    refused(empty, ["promote"], ActRefused, "not opened")
    assert told(empty, "abort", "--reason", "worse")["state"]["stage"] == "rolled_back"
    lines = asked(empty, "history", "--json").output.splitlines()
    reasons = [json.loads(line)["reason"] for line in lines]
    assert reasons == ["worse", "resume by hand", "pause by hand", "better"]
    assert "worse" in asked(empty, "history").output
    assert "@" in json.loads(lines[1])["by"]


def test_act_is_refused_where_somebody_was_faster(empty: str) -> None:
    written(empty, CANARY)
    assert told(empty, "promote", "--revision", "1")["revision"] == 2
    for act in ("promote", "pause", "abort"):
        refused(empty, [act, "--revision", "1"], ActRefused, "has changed it since")
    assert told(empty, "pause", "--revision", "2")["revision"] == 3
    assert told(empty, "resume", "--revision", "3")["revision"] == 4


def test_who_asks_has_a_bound(empty: str) -> None:
    written(empty, CANARY)
    refused(empty, ["pause", "--by", "x" * 1000], ActRefused, "printable characters")


def test_bundle_may_be_named_as_in_the_registry(empty: str) -> None:
    assert told(empty, "start", "--to", "student-0123456789ab")["state"]["candidate"] == (
        "student-0123456789ab"
    )


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("other-0123456789ab", "holds the model other, not student"),
        ("/nowhere", "holds no serving.json"),
        ("x" * 5000, "give 4096 at most"),
    ],
)
def test_what_cannot_work_is_refused_and_changes_nothing(empty: str, to: str, why: str) -> None:
    refused(empty, ["start", "--to", to], ActRefused, why)
    assert told(empty, "status")["revision"] == 0


def test_bundle_that_all_gateways_answer_from_is_refused(empty: str, served: Served) -> None:
    version = read_manifest(served.student)[1]
    with Redis.from_url(empty) as client:
        seconds, _ = client.time()
        body = json.dumps({"seen_ms": seconds * 1000, "stable_version": version})
        client.hset("us:rollout:{student}:fleet", "g", body)
    refused(empty, ["start", "--to", str(served.folder)], ActRefused, f"version {version}")


def test_plan_that_breaks_a_rule_is_refused(empty: str) -> None:
    command = ["start", "--to", "student-0123456789ab", "--plan"]
    refused(empty, [*command, "/nowhere.toml"], PlanInvalid, "default or direct")
    assert told(empty, *command, "direct")["state"]["plan"]["steps"] == [1.0]


def test_status_shows_stage_figures_and_gateways(empty: str) -> None:
    written(empty, CANARY.replace(step=2), sums=GOOD)
    shown = asked(empty, "status").output
    assert "canary 3, 25% of traffic" in shown
    assert "1% → 5% → [25%] → 50% → 100%" in shown
    assert "[red]d[/red]" in shown
    for name in ("total_p99", "clicks", "nan_limit", "20,000 requests"):
        assert name in shown
    facts = told(empty, "status")
    assert facts["share"] == 0.25
    assert facts["fleet"]["g"]["is_alive"]
    assert facts["verdict"]["figures"]["clicks"]["margin"] == 0.03


def test_status_shows_how_far_a_space_is_filled(empty: str) -> None:
    written(empty, SHADOWING.replace(step=0))
    with Redis.from_url(empty) as client:
        seconds, _ = client.time()
        told = presence(seen_ms=seconds * 1000, seen=2000, held=1000, ready=500)
        client.hset("us:rollout:{student}:fleet", "h", told.encode())
    shown = asked(empty, "status").output
    assert "of 2,000 candidates 50.0% held, 25.0% ready" in shown


def test_status_of_nothing_says_so(empty: str) -> None:
    assert told(empty, "status")["state"]["stage"] == "idle"
    assert "what each gateway was started with" in asked(empty, "status").output


@pytest.mark.parametrize(("stage", "code"), [("done", 0), ("rolled_back", 1)])
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_watch_ends_with_the_rollout_and_tells_how(
    empty: str, stage: Any, code: int, flags: tuple[str, ...]
) -> None:
    written(empty, CANARY, CANARY.replace(stage=stage, keep_until_ms=1 << 52))
    result = asked(empty, "watch", *flags)
    assert result.exit_code == code
    assert stage in result.output


def test_way_back_is_shown_and_open(empty: str) -> None:
    done = CANARY.replace(stage="done", stable="/b", previous="", keep_until_ms=1 << 52)
    written(empty, done)
    assert "abort, for another" in asked(empty, "status").output
    assert told(empty, "abort")["state"]["stable"] == ""
