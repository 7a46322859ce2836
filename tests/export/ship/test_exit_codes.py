"""What cron and Kubernetes are told."""

import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from export.ship import ships
from export.ship.errors import Forgotten, NothingNew, Refused, StepFailed
from export.ship.shipping import Shipping
from export.ship.ships import alone_in
from models.data.errors import LogInvalid
from understudy import build

TRAINING = Path(__file__).resolve().parents[3] / "docs" / "training.md"


def ship(out: Path, *more: str) -> tuple[int, str]:
    words = (
        "ship",
        "--data",
        "adworld",
        "--out",
        str(out),
        "--redis-url",
        "redis://nowhere",
        *more,
    )
    result = CliRunner().invoke(build(words), words, prog_name="understudy")
    return result.exit_code, result.output


@pytest.mark.parametrize(("result", "code"), [("started", 0), ("done", 0), ("rolled_back", 1)])
def test_how_it_ended_is_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: str, code: int
) -> None:
    monkeypatch.setattr(Shipping, "ship", lambda *_: result)
    assert ship(tmp_path) == (code, f"ship: {result}\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NothingNew("too little"), 3),
        (Refused("worse"), 2),
        (StepFailed("ended with 1"), 2),
        (Forgotten("unknown"), 2),
        (LogInvalid("a column"), 2),
        (ZeroDivisionError("a fault"), 2),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_stopped_it_is_the_code_and_never_that_of_a_rollback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Shipping, "ship", fail)
    found, said = ship(tmp_path)
    assert found == code
    assert str(error) in said


def test_an_option_that_is_none_is_refused(tmp_path: Path) -> None:
    assert ship(tmp_path, "--leest", "5")[0] == 2


@pytest.mark.parametrize("option", ["--train-options", "--export-options"])
def test_an_open_quotation_is_refused_and_no_rollback(tmp_path: Path, option: str) -> None:
    code, said = ship(tmp_path, option, "--epochs '3")
    assert code == 2
    assert said.startswith(f'{option} is "--epochs \'3", which is no list of words')


def documented_job() -> str:
    """What the CronJob's shell runs."""
    _, _, rest = TRAINING.read_text(encoding="utf-8").partition("```yaml\napiVersion: batch/v1")
    job = yaml.safe_load("apiVersion: batch/v1" + rest.partition("```")[0])
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [command] = pod["containers"][0]["args"]
    return str(command)


@pytest.mark.parametrize(("shipped", "job"), [(0, 0), (1, 1), (2, 2), (3, 0), (137, 137)])
def test_the_documented_job_ends_as_its_ship_but_where_too_little_is_new(
    shipped: int, job: int
) -> None:
    script = f"understudy() {{ return {shipped}; }}\n{documented_job()}"
    assert subprocess.run(["sh", "-c", script], check=False).returncode == job


def test_two_ships_of_one_folder_do_not_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ships, "WAIT_S", 0.1)
    with alone_in(tmp_path):
        code, said = ship(tmp_path)
    assert code == 2
    assert "another ship runs" in said
