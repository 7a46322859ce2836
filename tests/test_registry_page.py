"""The commands of docs/registry.md, with the arguments that a shell makes of them."""

import itertools
import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from tests.bundles import serving_folder
from understudy import build

PAGE: Final = (Path(__file__).resolve().parents[1] / "docs" / "registry.md").read_text("utf-8")
REGISTRY: Final = "UNDERSTUDY_REGISTRY"
END: Final = "end-of-block"
RECORD: Final = f"""
set -eu
understudy() {{ printf '%s\\0' "${REGISTRY}" "$@" ''; }}
"""


class Block(list[list[str]]):
    """Commands of one sh block: the registry, then the arguments."""


def _blocks() -> list[tuple[str, str]]:
    return re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def _commands(folder: Path) -> list[Block]:
    """A shell says what each block's commands are given, and runs none of them."""
    script = "".join(f"{text}\nunderstudy {END}\n" for kind, text in _blocks() if kind == "sh")
    done = subprocess.run(
        ["bash", "-c", RECORD + script], cwd=folder, capture_output=True, check=True, text=True
    )
    words, blocks = done.stdout.split("\0")[:-1], [Block()]
    for is_end, command in itertools.groupby(words, key=lambda word: not word):
        given = list(command)
        if is_end:
            continue
        if given[1] == END:
            blocks.append(Block())
        else:
            blocks[-1].append(given)
    return blocks[:-1]


def _answers() -> list[Any]:
    """What the page prints after each sh block; None where it prints nothing."""
    pairs = itertools.pairwise([*_blocks(), ("", "")])
    return [
        json.loads(answer) if told == "json" else None
        for (kind, _), (told, answer) in pairs
        if kind == "sh"
    ]


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _types(part) for key, part in value.items()}
    return [] if isinstance(value, list) else type(value).__name__


def _run(command: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    registry, *arguments = command
    monkeypatch.setenv(REGISTRY, registry)
    done = CliRunner().invoke(build(arguments), arguments, prog_name="understudy")
    assert done.exit_code == 0, f"{arguments}: {done.output}{done.exception!r}"
    return done.stdout


def test_every_command_runs_and_answers_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = tmp_path / "build" / "demo" / "serving"
    serving.mkdir(parents=True)
    serving_folder(serving)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    blocks = _commands(tmp_path)
    assert sum(map(len, blocks)) == PAGE.count("\nunderstudy ")
    for commands, printed in zip(blocks, _answers(), strict=True):
        told = [_run(command, monkeypatch) for command in commands][-1]
        if printed is not None:
            _assert_like(json.loads(told), printed)


def _assert_like(told: dict[str, Any], printed: dict[str, Any]) -> None:
    told, printed = dict(told), dict(printed)
    kept, shown = told.pop("kept", {}), printed.pop("kept", {})  # keyed by bundle
    assert _types(told) == _types(printed)
    assert set(shown.values()) <= set(kept.values())


def test_page_shows_every_command() -> None:
    listed = re.findall(r"^understudy bundle (\w+)", PAGE, re.MULTILINE)
    assert set(listed) == {
        "push", "list", "show", "verify", "diff", "pull", "gc", "keys", "sign"
    }  # fmt: skip


def test_page_is_short() -> None:
    assert len(PAGE.splitlines()) <= 90
