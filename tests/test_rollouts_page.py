"""The commands of docs/rollouts.md, as printed, in one shell, against a live `understudy up`."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from loadtest.stack import Stack, free_port, running_up
from tests import markdown
from tests.bundles import tiny_users
from tests.server.loaded_cache import write
from tests.server.rollout.harm.crowd import Crowd
from tests.server.rollout.harm.kinds import as_good, good
from tests.server.rollout.harm.site import SETTINGS, unhinted
from tests.shell import Shell
from tests.steady_traffic import steady_traffic

PAGE: Final = (Path(__file__).resolve().parents[1] / "docs" / "rollouts.md").read_text("utf-8")
FRIDAY: Final = PAGE.split("## Ship a student on a Friday\n")[1].split("\n## ")[0]
HOST: Final = "127.0.0.1"
HURRIED: Final = {
    "least_s = [900, 1800, 3600, 3600]": "least_s = 0.5\nattribution_s = 0.5\nshadow_s = 1\n"
    "shadow_share = 1.0\ntop_k = 5\n"
    "guardrails = { fewest_requests = 50, most_requests = 100, budget_ms = 1000.0 }",
    "steps = [0.01, 0.1, 0.5, 1.0]": "steps = [0.1, 0.5, 1.0]",
}
"""Of the page's plan: what is tested is its commands, not an evening."""

pytestmark = [pytest.mark.redis, pytest.mark.slow]


class Block(NamedTuple):
    kind: str  # "" is what has to be running
    text: str
    told: str  # kind of the block behind it that it prints: "json", "text", or ""
    printed: str


def blocks() -> list[Block]:
    return [
        Block(*block, *(after if after.kind in ("json", "text") else ("", "")))
        for block, after in markdown.blocks(FRIDAY)
        if block.kind in ("", "sh")
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the page's commands are given."""
    serving = tmp_path / "build" / "demo" / "serving"
    for parent, build in ((serving, good), (tmp_path / "build" / "friday", as_good)):
        parent.mkdir(parents=True)
        build(parent)
    tiny_users().save(serving / "users.safetensors")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@contextmanager
def running(command: str) -> Iterator[Stack]:
    """`NAME=VALUE … understudy up --from FOLDER`, with users."""
    words = shlex.split(command)
    given = dict(word.split("=", 1) for word in words if "=" in word)
    *_, up, flag, source = words
    assert (up, flag) == ("up", "--from")
    live = Path(source) / "live"
    with running_up(Path(source), live, HOST, free_port(HOST), {**SETTINGS, **given}) as stack:
        crowd = Crowd()
        write(stack.redis_url, crowd.pages())
        crowd.learn(unhinted(stack.url))
        with steady_traffic(stack.url, crowd, rate=100.0):
            yield stack


def hurried(text: str) -> str:
    for calm, quick in HURRIED.items():
        text = text.replace(calm, quick)
    return text


def assert_told(told: str, block: Block) -> None:
    if block.told == "text":
        assert [line for line in block.printed.splitlines() if line not in told] == [], told
    if block.told == "json":
        assert_like(json.loads(told.splitlines()[-1]), json.loads(block.printed))


def assert_like(told: dict[str, Any], printed: dict[str, Any]) -> None:
    assert told.keys() == printed.keys()
    for name in told.keys() - {"fleet"}:
        assert type(told[name]) is type(printed[name]), name
    for name, value in printed.get("state", {}).items():
        assert told["state"][name] == value
    assert set(printed.get("kept", {}).values()) <= set(told.get("kept", {}).values())


def test_student_is_shipped_taken_back_and_a_wrong_one_never_shipped(folder: Path) -> None:
    [running_with] = [block.text for block in blocks() if block.kind == ""]
    assert all(calm in FRIDAY for calm in HURRIED)
    at = next(place for place, block in enumerate(blocks()) if not block.kind)
    before, after = blocks()[:at], blocks()[at + 1 :]
    with Shell(folder) as shell:
        for block in before:
            assert_told(shell.run(block.text), block)
        with running(running_with):
            for block in after:
                assert_told(shell.run(hurried(block.text)), block)


def test_page_ships_with_every_command_of_a_rollout() -> None:
    named = set(re.findall(r"understudy rollout (\w+)", FRIDAY))
    assert named == {"start", "watch", "status", "pause", "abort", "history"}
    assert {"keys", "sign", "verify", "push", "diff", "gc"} <= set(
        re.findall(r"^understudy bundle (\w+)", FRIDAY, re.MULTILINE)
    )
