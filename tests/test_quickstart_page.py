"""The commands of docs/quickstart.md, as printed, from a table of impressions to a rollout.

Those that learn run in this process, where torch is imported once; the others in one shell, against
a live `understudy up`."""

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from typer.testing import CliRunner

from export import export_command
from export.model_bundle import Source, write_model
from loadtest.stack import Stack, free_port, running_up
from models import settled_bottleneck
from tests import markdown
from tests.server.rollout.harm.site import SETTINGS
from tests.shell import Shell
from understudy import build

PAGE: Final = (Path(__file__).resolve().parents[1] / "docs" / "quickstart.md").read_text("utf-8")
HOST: Final = "127.0.0.1"
URL: Final = "http://127.0.0.1:8080"
LEARNING: Final = ("import", "train", "evaluate", "export")
EPOCH: Final = ("--epochs", "1")
HURRIED: Final = {
    "shown(12_500)": "shown(1_000)",
    "loadtest run steady": "loadtest run ./at_once.toml",
    "--rate 50 --seconds 60 --limit p99_ms=50": "--rate 20 --seconds 2 --limit p50_ms=9000",
    "--out build/shop/load\n": "--out build/shop/load || [ $? = 3 ]\n",  # 3: a busy machine
    "--rate 100 --seconds 120": "--rate 50 --seconds 4",
    "least_s = 10": "least_s = 0.5",
    "shadow_s = 10": "shadow_s = 0\nshadow_least = 0\nslowdown = 20",
    "guardrails = { fewest_requests = 50, most_requests = 100 }": "is_judged = false",
}
"""What is tested is the page's commands, not what so little data teaches, nor this machine."""
AT_ONCE: Final = "profile = [[0.0, 1.0], [1.0, 1.0]]\nwarm_up_s = 0\n"

pytestmark = [pytest.mark.redis, pytest.mark.slow]


class Block(NamedTuple):
    kind: str  # "sh" is run; "" is what has to be running, or is printed by the way
    text: str
    answer: str | None  # the json behind it


def blocks() -> list[Block]:
    return [
        Block(*block, after.text if after.kind == "json" else None)
        for block, after in markdown.blocks(PAGE)
        if block.kind in ("", "sh")
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the page's commands are given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settled_bottleneck, "STEPS", 20)
    monkeypatch.setattr(export_command, "write_model", once_but_students({}))
    (tmp_path / "at_once.toml").write_text(AT_ONCE)
    return tmp_path


def once_but_students(kept: dict[str, Path]) -> Callable[..., Path]:
    """What is not rolled out is taken from the export before: each costs four seconds."""

    def write(out: Path, source: Source, *rest: Any) -> Path:
        if source.name not in kept:
            folder = write_model(out, source, *rest)
            return folder if source.name == "student" else kept.setdefault(source.name, folder)
        folder = kept[source.name]
        return Path(shutil.copytree(folder, out / folder.name))

    return write


@contextmanager
def running(command: str) -> Iterator[Stack]:
    """`understudy up --from FOLDER`."""
    up, flag, source = shlex.split(command)[1:]
    assert (up, flag) == ("up", "--from")
    live = Path(source) / "live"
    with running_up(Path(source), live, HOST, free_port(HOST), SETTINGS) as stack:
        yield stack


def hurried(text: str) -> str:
    for calm, quick in HURRIED.items():
        text = text.replace(calm, quick)
    return text


def learn(line: str) -> None:
    _, *words = shlex.split(line)
    words += EPOCH if words[0] == "train" else ()
    done = CliRunner().invoke(build(words), words, prog_name="understudy")
    assert done.exit_code == 0, f"{line}: {done.output}{done.exception!r}"


def is_learning(block: Block) -> bool:
    return block.text.startswith(tuple(f"understudy {name} " for name in LEARNING))


def run(shell: Shell, block: Block, url: str = URL) -> None:
    if is_learning(block):
        for line in block.text.splitlines():
            learn(line)
        return
    told = shell.run(hurried(block.text).replace(URL, url))
    if block.answer is not None:
        assert_like(json.loads(told.splitlines()[-1]), json.loads(block.answer))


def assert_like(told: dict[str, Any], printed: dict[str, Any]) -> None:
    assert told.keys() == printed.keys()
    for name in ("coverage", "degraded", "accepted"):
        assert told.get(name) == printed.get(name)
    assert told.get("state", {}).get("stage") == printed.get("state", {}).get("stage")


def test_page_leads_from_a_table_to_a_second_student(folder: Path) -> None:
    assert all(calm in PAGE for calm in HURRIED)
    run_blocks = [block for block in blocks() if block.kind == "sh"]
    [up] = [block for block in blocks() if block.text.startswith("understudy up")]
    before = sum(block.kind == "sh" for block in blocks()[: blocks().index(up)])
    with Shell(folder) as shell:
        for block in run_blocks[:before]:
            run(shell, block)
        with running(up.text) as stack:
            for block in run_blocks[before:]:
                run(shell, block, stack.url)
    shop = folder / "build" / "shop"
    assert all((shop / part / "report.html").is_file() for part in ("load", "during"))


def test_page_shows_every_command_of_the_way() -> None:
    text = "\n".join(block.text for block in blocks() if block.kind == "sh")
    named = set(re.findall(r"^understudy (\w+)", text, re.MULTILINE))
    assert named == {*LEARNING, "loadtest", "rollout"}
