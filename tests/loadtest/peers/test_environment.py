import sys
from pathlib import Path

import pytest

from loadtest.peers import environment as environments
from loadtest.peers.environment import environment
from loadtest.peers.errors import PeerFailed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Commands instead of their running; requirements in `tmp_path`."""
    commands: list[list[str]] = []

    def run(command: list[str]) -> None:
        commands.append(command)
        Path(tmp_path / "out" / "fake").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(environments, "_run", run)
    monkeypatch.setattr(environments, "SERVERS", tmp_path)
    monkeypatch.setattr(environments, "SHARED", {"shared": tmp_path / "shared"})
    (tmp_path / "fake.txt").write_text("one==1\n")
    return commands


def test_environment_is_made_once_until_its_requirements_change(
    asked: list[list[str]], tmp_path: Path
) -> None:
    programs = environment("fake", tmp_path / "out")
    assert programs == tmp_path / "out" / "fake" / "bin"
    assert [command[2] for command in asked] == ["venv", "pip"]
    environment("fake", tmp_path / "out")
    assert len(asked) == 2
    (tmp_path / "fake.txt").write_text("one==2\n")
    environment("fake", tmp_path / "out")
    assert len(asked) == 4


def test_shared_environment_is_taken_as_it_is(asked: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "shared" / "lib" / "python3.11" / "site-packages" / "pytriton").mkdir(parents=True)
    assert environment("shared", tmp_path / "out") == tmp_path / "shared" / "bin"
    assert asked == []


def test_failed_installation_says_why() -> None:
    failing = "import sys; sys.exit('ERROR: No matching distribution found for nothing==1')"
    with pytest.raises(PeerFailed, match="No matching distribution found for nothing==1"):
        environments._run([sys.executable, "-c", failing])
