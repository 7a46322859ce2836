"""`understudy doctor` as somebody runs it."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.cache.refresh.started import Started
from tests.server.conftest import Served
from tests.server.kept import body_of, page_for
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.loaded_cache import clear, write
from understudy import build

TOKEN = "0f3c9a7d51e86b240f3c9a7d51e86b24"
SECRET = "a-password-of-redis"

pytestmark = pytest.mark.redis


def run(*options: str, **environment: str) -> Result:
    arguments = ["doctor", *options]
    env = {f"UNDERSTUDY_{name}": value for name, value in environment.items()}
    return CliRunner().invoke(build(arguments), arguments, env=env)


def told(*options: str, **environment: str) -> dict[str, dict[str, Any]]:
    printed = json.loads(run("--json", *options, **environment).output)
    return {each["check"]: each for each in printed["checks"]}


@pytest.fixture
def started(redis_url: str) -> Iterator[Started]:
    clear(redis_url)
    started = Started(redis_url)
    yield started
    started.end()


@pytest.mark.slow
def test_sound_deployment_has_nothing_to_mend_until_its_refresher_dies(
    served: Served, redis_url: str, started: Started
) -> None:
    refresher = started.understudy("refresh", "--from", str(served.folder), "--lease-ms", "3000")
    write(redis_url, page_for("user-0"))
    settings = settings_for(
        served.student, redis_url=redis_url, admin_token=TOKEN, cache_timeout_ms=500.0
    )
    with live_gateway(settings) as client:
        url = str(client.base_url)
        client.post("/v1/rank", json=body_of(0)).raise_for_status()
        own = {"REDIS_URL": redis_url, "ADMIN_TOKEN": TOKEN, "CACHE_TIMEOUT_MS": "50"}

        def leases() -> str:
            return str(told("--url", url, **own)["leases"]["verdict"])

        wait_until(lambda: leases() == "ok", "all leases")
        sound = run("--url", url, **own)
        assert sound.exit_code == 0, sound.output
        assert "ok   refreshers" in sound.output
        refresher.send_signal(signal.SIGSTOP)
        wait_until(
            lambda: told("--url", url, **own)["refreshers"]["verdict"] == "fail", "it to be missed"
        )
        sick = run("--url", url, **own)
    assert sick.exit_code == 1
    assert "→ start `understudy refresh`" in sick.output


def test_json_says_what_the_exit_code_says() -> None:
    done = run("--json", "--url", "http://127.0.0.1:1", "--redis", f"redis://:{SECRET}@127.0.0.1:1")
    printed = json.loads(done.output)
    assert (done.exit_code, printed["ok"]) == (1, False)
    failed = [each["check"] for each in printed["checks"] if each["verdict"] == "fail"]
    assert failed == ["gateway", "redis"]
    assert SECRET not in done.output


def test_environment_of_a_gateway_is_looked_at_beside_it_alone() -> None:
    beside = told(PORT="1", ADMIN_TOKEN="guess", MAX_INFLIGHT_CANDIDATES="10")
    assert beside["gateway"]["found"].startswith("no answer: http://127.0.0.1:1/healthz")
    assert beside["admin token"]["verdict"] == beside["settings"]["verdict"] == "fail"
    assert "MAX_INFLIGHT_CANDIDATES" in beside["settings"]["found"]
    elsewhere = told("--url", "http://nowhere.invalid:1", ADMIN_TOKEN="guess")
    assert elsewhere["admin token"]["verdict"] == elsewhere["settings"]["verdict"] == "skip"


def test_slip_of_the_pen_in_the_environment_is_a_failure() -> None:
    found = told("--url", "http://127.0.0.1:1", DEADLNE_MS="5")["settings"]
    assert (found["verdict"], "did you mean" in found["found"]) == ("fail", True)
    found = told("--url", "http://127.0.0.1:1", PORT="many")["settings"]
    assert (found["verdict"], found["found"].startswith("port: ")) == ("fail", True)


def test_gateway_behind_a_forwarded_port_is_not_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("UNDERSTUDY_")]:
        monkeypatch.delenv(name)
    forwarded = told("--url", "http://127.0.0.1:1")
    for name in ("settings", "admin token", "open files", "threads"):
        assert forwarded[name]["verdict"] == "skip", forwarded[name]
    beside = told("--url", "http://127.0.0.1:1", ADMIN_TOKEN=TOKEN)
    assert beside["admin token"]["verdict"] == beside["settings"]["verdict"] == "ok"


def test_authorities_that_are_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name in ("missing.pem", "empty.pem"):
        refused = run("--url", "https://127.0.0.1:1", "--ca", str(tmp_path / name))
        assert refused.exit_code == 2
        assert "--ca" in refused.output
        assert "Traceback" not in refused.output
