from pathlib import Path

from typer.testing import CliRunner

from server.access.key_ring import KeyRing
from server.access.keys_file import read_keys
from tests.server.access.keys import shown
from understudy import build


def test_printed_lines_let_the_printed_secret_in(tmp_path: Path) -> None:
    arguments = ["key", "feed", "--candidates-per-s", "500", "--low"]
    result = CliRunner().invoke(build(arguments), arguments)
    assert result.exit_code == 0
    secret = result.stderr.split()[-1]
    assert secret not in result.stdout
    path = tmp_path / "keys.toml"
    path.write_text(result.stdout)
    ring = KeyRing()
    ring.take(read_keys(path))
    holder = ring.holder(shown(secret))
    assert (holder.key.name, holder.key.candidates_per_s, holder.is_low) == ("feed", 500.0, True)


def test_name_that_metrics_could_not_carry_is_refused() -> None:
    arguments = ["key", "two words"]
    result = CliRunner().invoke(build(arguments), arguments)
    assert result.exit_code == 2
    assert "name" in result.stderr
