import re
import subprocess
import sys
from collections.abc import Sequence

import pytest
from typer.testing import CliRunner

import understudy
from understudy import COMMANDS, Command, build


def _run(arguments: Sequence[str]) -> tuple[int, str]:
    result = CliRunner().invoke(build(arguments), list(arguments), prog_name="understudy")
    return result.exit_code, result.output


def test_help_lists_every_command_with_its_summary() -> None:
    code, output = _run(["--help"])
    assert code == 0
    for name, command in COMMANDS.items():
        assert name in output
        assert command.summary.split(".")[0] in output


def test_help_imports_nothing_heavy() -> None:
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "understudy", "--help"],
        capture_output=True,
        check=True,
        text=True,
    )
    for heavy in ("numpy", "torch", "fastapi", "onnxruntime", "pydantic"):
        assert not re.search(rf"\| +{heavy}$", told.stderr, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str) -> None:
    code, output = _run([name, "--help"])
    assert code == 0
    assert f"understudy {name}" in output


def test_unknown_command_is_refused_with_its_name() -> None:
    code, output = _run(["serv"])
    assert code == 2
    assert "serv" in output


def test_missing_library_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command("a_library_nobody_has", "run", "Runs.", "train")
    monkeypatch.setitem(understudy.COMMANDS, "train", command)
    with pytest.raises(SystemExit, match=r"needs a_library_nobody_has.*understudy\[train\]"):
        build(["train"])


def test_own_error_ends_with_its_message_and_no_trace() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "understudy", "up", "--from", "no-such-folder"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert told.returncode == 1
    assert told.stderr.startswith("ServingFolderInvalid: no-such-folder holds no serving.json")
    assert "Traceback" not in told.stderr
