"""An ad service installs the client and nothing else of this repository."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "understudy_client"
NEEDED = {"httpx", "msgspec", "understudy_client"}


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


def test_client_imports_httpx_msgspec_and_itself() -> None:
    for path in CLIENT.glob("*.py"):
        assert imported(path) - set(sys.stdlib_module_names) <= NEEDED, path


def test_package_says_that_it_is_typed() -> None:
    assert (CLIENT / "py.typed").is_file()


@pytest.mark.slow
def test_type_checker_agrees_with_the_examples(tmp_path: Path) -> None:
    """And finds every mistake among them: an `ignore` that hides nothing is an error too."""
    example = Path(__file__).with_name("typed_use.py")
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), str(example)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
