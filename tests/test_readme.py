"""The commands of README and tour, run as printed against a live `understudy up`."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from loadtest.stack import Stack, free_port, running_up
from tests.bundles import serving_folder
from tests.markdown import blocks

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
HOST = "127.0.0.1"
PATIENCE_S = 20.0

pytestmark = pytest.mark.redis


class Example(NamedTuple):
    command: str
    answer: str | None  # None where none is printed


class Demo(NamedTuple):
    """Stands where the pages have build/demo, at their port."""

    folder: Path
    stack: Stack

    def run(self, command: str) -> str:
        here = command.replace("http://127.0.0.1:8080", self.stack.url)
        here = here.replace("build/demo", str(self.folder))
        done = subprocess.run(
            ["bash", "-c", here], capture_output=True, check=True, text=True, timeout=PATIENCE_S
        )
        return done.stdout


def _examples() -> list[Example]:
    """Each sh block with the block that follows it, unless that is another sh block."""
    return [
        Example(block.text, answer.text if answer.kind == "json" else None)
        for block, answer in blocks(README + TOUR)
        if block.kind == "sh"
    ]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    (folder / "serving").mkdir()
    serving_folder(folder / "serving")
    with running_up(folder, folder / "live", HOST, free_port(HOST)) as stack:
        yield Demo(folder, stack)
        os.kill(stack.pid("valkey"), signal.SIGCONT)


def _problem_shape(problem: dict[str, Any]) -> dict[str, Any]:
    """Everything, except figures that depend on the machine, names of sockets, and whether a
    connection was open already or was being opened when time ran out."""
    detail = re.sub(r"\d+(\.\d+)?", "N", problem["detail"])
    detail = detail.replace("ConnectionError: Timeout", "TimeoutError: Timeout")
    return {**problem, "detail": re.sub(r"from \S+valkey\.sock", "from SOCKET", detail)}


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _types(part) for key, part in value.items()}
    return [_types(part) for part in value[:1]] if isinstance(value, list) else type(value).__name__


def _assert_like(told: dict[str, Any], printed: dict[str, Any]) -> None:
    if "status" in printed and "title" in printed:
        assert _problem_shape(told) == _problem_shape(printed)
    else:
        assert told.keys() == printed.keys()
        for name in printed.keys() - {"degraded", "teacher_age_s"}:
            assert _types(told[name]) == _types(printed[name]), name


def _until_like(demo: Demo, example: Example, printed: dict[str, Any]) -> None:
    """A busy machine may be late where a quiet one refuses in time, and the other way round."""
    until = time.monotonic() + PATIENCE_S
    while True:
        told = json.loads(demo.run(example.command))
        is_timing = printed.get("status") in (429, 503, 504)
        if told.get("status") == printed.get("status") or time.monotonic() > until or not is_timing:
            return _assert_like(told, printed)


def test_every_command_answers_as_printed(demo: Demo) -> None:
    """In order, as somebody would who reads from the top: one of them stops Redis."""
    for example in _examples():
        if example.answer is None:
            demo.run(example.command)
        else:
            _until_like(demo, example, json.loads(example.answer))


def test_every_status_has_an_example() -> None:
    printed = [json.loads(example.answer) for example in _examples() if example.answer]
    statuses = {answer.get("status", 200) for answer in printed}
    assert {200, 400, 404, 413, 415, 422, 429, 503, 504} <= statuses


def test_same_request_is_covered_once_the_teacher_has_answered(demo: Demo) -> None:
    body = {"user_id": "user-1", "context": {"placement": "feed"}, "item_ids": ["item-1", "item-2"]}
    command = f"curl -s {demo.stack.url}/v1/rank --json '{json.dumps(body)}'"
    until = time.monotonic() + PATIENCE_S
    while json.loads(demo.run(command))["coverage"]["pair"] < 1.0:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_rank_command_prints_a_slate(demo: Demo, tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text('{"user_id": "user-1", "item_ids": ["item-1", "item-2"]}')
    command = [sys.executable, "-m", "understudy", "rank", str(request), "--url", demo.stack.url]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert "item-1" in done.stdout
    assert "coverage" in done.stdout
    raw = subprocess.run([*command, "--json"], capture_output=True, check=True, text=True)
    assert set(json.loads(raw.stdout)["item_ids"]) == {"item-1", "item-2"}


def test_make_targets_named_in_the_guides_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    guides = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`make ([\w-]+)", guides)) <= targets
