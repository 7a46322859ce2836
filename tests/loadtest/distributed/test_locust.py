"""Locust's own master, workers and web UI, as processes."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from loadtest.distributed.master import LOCUST, execute
from loadtest.errors import LoadInvalid
from loadtest.run.plan import Options
from loadtest.stack import free_port, stopped_at_the_end
from tests.loadtest.toy_server import toy

HOST = "127.0.0.1"
WAIT_S = 40.0


@pytest.mark.slow
def test_workers_send_one_load_together_and_report_every_answer() -> None:
    options = Options(rate=150.0, seconds=4.0)
    with toy() as url:
        ran = execute(options, url, processes=2, expect=0, bind=f"{HOST}:0")
    told = ran.figures()
    assert told["failed"] == 0
    assert told["requests"] == pytest.approx(600, abs=4 * 600**0.5)
    assert told["generator"]["processes"] == 2
    assert told["stages_ms"]["inference"]["p50"]["value"] == 1.5
    assert ran.samples.due_s.max() < 4.0


@pytest.mark.slow
def test_the_web_ui_starts_users_who_send_on_schedule() -> None:
    with toy() as url, _web(url) as page:
        _until(lambda: _answers(page))
        begin = urlencode({"user_count": 50, "spawn_rate": 50, "host": url}).encode()
        with urlopen(f"{page}/swarm", begin, timeout=5.0) as answer:
            assert json.load(answer)["success"]
        _until(lambda: _total(page)["num_requests"] > 100)
        told = _total(page)
    assert told["num_failures"] == 0
    assert told["max_response_time"] < 2000


def test_what_locust_does_not_carry_is_refused() -> None:
    for changed in ({"closed": 3}, {"arrivals": "log"}):
        with pytest.raises(LoadInvalid, match="Poisson"):
            execute(Options()._replace(**changed), "http://127.0.0.1:9", 1, 0, f"{HOST}:0")
    with pytest.raises(LoadInvalid, match="HOST:PORT"):
        execute(Options(), "http://127.0.0.1:9", 1, 1, "nowhere")


@contextmanager
def _web(url: str) -> Iterator[str]:
    port = free_port(HOST)
    words = [*LOCUST, "--host", url, "--web-host", HOST, "--web-port", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with stopped_at_the_end(process):
        yield f"http://{HOST}:{port}"


def _answers(page: str) -> bool:
    try:
        with urlopen(page, timeout=1.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _total(page: str) -> dict[str, Any]:
    with urlopen(f"{page}/stats/requests", timeout=5.0) as answer:
        told: dict[str, Any] = json.load(answer)["stats"][-1]
        return told


def _until(is_true: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not is_true():
        assert time.monotonic() < until
        time.sleep(0.2)


def test_the_command_stands_without_locust_or_plots() -> None:
    """A gateway's image runs it, and has neither."""
    words = "locust", "gevent", "matplotlib", "jinja2"
    code = f"import loadtest.command, sys; sys.exit(any(m in sys.modules for m in {words}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
