import pytest
import typer
from typer.testing import CliRunner

import server.rungs
from server.rungs import print_rungs
from tests.server.conftest import Served


def test_every_rung_answers_and_says_which_it_is(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = _app()
    monkeypatch.setattr(server.rungs, "REQUESTS", 3)
    monkeypatch.setattr(server.rungs, "ROUNDS", 1)
    result = CliRunner().invoke(app, [str(served.folder)])
    assert result.exit_code == 0, result.output
    rows = [line.split(" | ") for line in result.stdout.splitlines()[2:]]
    said = {row[0].strip("| "): row[-1].rstrip(" |") for row in rows}
    assert said == {
        "full": "nothing",
        "stale teacher": "`cache: stale`",
        "no teacher": "`cache: open_breaker`",
        "stand-in": "`inference: failed_stand_in`",
        "prior rates": "`inference: failed`",
        "shed": "429, `Retry-After`",
    }


def _app() -> typer.Typer:
    app = typer.Typer()
    app.command()(print_rungs)
    return app
