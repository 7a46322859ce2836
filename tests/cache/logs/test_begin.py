"""The log of a process, from its environment to its last line."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cache.errors import LogsInvalid
from cache.logs.begin import LogForm, LogHandler, begin_logs, is_json

PROGRAM = """
import logging
from cache.logs.begin import begin_logs
from cache.logs.masking import secrets_of
begin_logs("refresher", secrets=secrets_of("redis://:pass-word@host"))
log = logging.getLogger("cache.x")
log.debug("small things")
log.info("began")
for _ in range(50):
    log.warning("cannot reach %s", "redis://:pass-word@host")
logging.getLogger("uvicorn.error").info("listens")
raise ValueError("pass-word is wrong")
"""


@pytest.fixture
def logs() -> Iterator[None]:
    """What a test begins is over after it."""
    root, hook = logging.getLogger(), sys.excepthook
    level, handlers = root.level, [*root.handlers]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    sys.excepthook = hook


def run(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=os.environ | environment, capture_output=True,
        text=True, check=False, timeout=30.0,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert "pass-word" not in done.stderr
    return done.stderr.splitlines()


def test_every_line_is_json_where_nobody_watches_the_last_one_too() -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in run()]
    assert [line["message"] for line in lines] == [
        "began",
        "cannot reach redis://***@host",
        "listens",
        "ended by ValueError",
    ]
    assert {line["role"] for line in lines} == {"refresher"}
    assert lines[-1]["exception"].endswith("ValueError: *** is wrong")


def test_format_and_level_are_the_environments() -> None:
    lines = run(UNDERSTUDY_LOG_FORMAT="console", UNDERSTUDY_LOG_LEVEL="warning")
    assert lines[0].endswith("refresher WARNING cache.x: cannot reach redis://***@host")
    assert lines[1].endswith("refresher CRITICAL cache.logs.begin: ended by ValueError")
    assert lines[-1] == "ValueError: *** is wrong"


@pytest.mark.parametrize(
    ("form", "is_terminal", "expected"),
    [("auto", True, False), ("auto", False, True), ("json", True, True), ("console", False, False)],
)
def test_auto_is_console_at_a_terminal_alone(form: str, is_terminal: bool, expected: bool) -> None:
    assert is_json(form, is_terminal=is_terminal) is expected


@pytest.mark.parametrize("name", ["UNDERSTUDY_LOG_FORMAT", "UNDERSTUDY_LOG_LEVEL"])
def test_slip_of_the_pen_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "loud")
    with pytest.raises(LogsInvalid, match=f"{name} is 'loud': give one of"):
        begin_logs("ingest")


@pytest.mark.usefixtures("logs")
def test_logs_begun_again_are_not_doubled() -> None:
    begin_logs("gateway")
    begin_logs("gateway", worker=1)
    assert sum(isinstance(each, LogHandler) for each in logging.getLogger().handlers) == 1


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize("form", ["json", "console"])
def test_log_call_that_is_wrong_costs_its_caller_nothing(
    capsys: pytest.CaptureFixture[str], form: LogForm
) -> None:
    logging.getLogger().handlers.clear()  # pytest's own raises what a log call does wrong
    begin_logs("gateway", form=form, secrets=["hunter2-hunter2"])
    log = logging.getLogger("cache.x")
    log.warning("took %d ms", "hunter2-hunter2")
    log.warning("%s is odd", Unspeakable())
    log.warning(Unspeakable())
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 3
    assert "took %d ms" in said
    assert "hunter2" not in said


@pytest.mark.usefixtures("logs")
def test_threads_that_fail_at_once_are_counted_to_the_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begin_logs("gateway", form="json")
    log = logging.getLogger("cache.x")

    def fail() -> None:
        for number in range(2000):
            log.warning(f"kind {number % 600}")

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all(json.loads(line) for line in capsys.readouterr().err.splitlines())
