import json
from pathlib import Path

import pytest

from loadtest.demo import steps
from loadtest.demo.steps import Models, Step, plan, run_steps
from loadtest.errors import StepFailed


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the steps that ran; each leaves its result."""
    names: list[str] = []

    def run(step: Step) -> float:
        names.append(step.name)
        step.result.mkdir(parents=True, exist_ok=True)
        return 1.5

    monkeypatch.setattr(steps, "_run", run)
    return names


def _run(out: Path, data: str = "adworld", seed: int = 1) -> dict[str, float]:
    return run_steps(plan(out, data, seed, 1_000, Models()), out, lambda _: None)


def test_second_run_reuses_every_step(tmp_path: Path, ran: list[str]) -> None:
    assert list(_run(tmp_path).values()) == [1.5] * 4
    assert list(_run(tmp_path).values()) == [0.0] * 4
    assert ran == ["import", "train", "evaluate", "export"]


def test_another_seed_runs_everything_again(tmp_path: Path, ran: list[str]) -> None:
    _run(tmp_path)
    _run(tmp_path, seed=2)
    assert ran == ["import", "train", "evaluate", "export"] * 2


def test_changed_data_runs_everything_again(tmp_path: Path, ran: list[str]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "log.csv").write_text("a")
    _run(tmp_path / "out", f"kuairand:{data}")
    (data / "log.csv").write_text("ab")
    _run(tmp_path / "out", f"kuairand:{data}")
    assert len(ran) == 8


def test_interrupted_step_goes_on_and_another_one_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []

    def stop(step: Step) -> float:
        found.append((step.result / "half").exists())
        step.result.mkdir(parents=True, exist_ok=True)
        (step.result / "half").touch()
        raise StepFailed("interrupted")

    monkeypatch.setattr(steps, "_run", stop)
    for seed in (1, 1, 2):
        with pytest.raises(StepFailed):
            _run(tmp_path, seed=seed)
    assert found == [False, True, False]


def test_models_that_nobody_named_are_left_to_the_training() -> None:
    assert Models().options == ()
    assert Models(teacher="kunlun", student="dcnv2").options == (
        "--teacher",
        "kunlun",
        "--student",
        "dcnv2",
    )


def test_lost_result_is_made_again_and_the_rest_reused(tmp_path: Path, ran: list[str]) -> None:
    _run(tmp_path)
    (tmp_path / "serving").rmdir()
    _run(tmp_path)
    assert ran[4:] == ["export"]


def test_broken_stamp_reads_as_not_done(tmp_path: Path, ran: list[str]) -> None:
    _run(tmp_path)
    (tmp_path / "steps" / "export.json").write_text(json.dumps({"seconds": 1}))
    _run(tmp_path)
    assert ran[4:] == ["export"]


def test_step_that_fails_names_its_command_and_is_not_done(tmp_path: Path) -> None:
    step = Step("import", ("no-such-command",), tmp_path / "log")
    for _ in range(2):
        with pytest.raises(StepFailed, match="no-such-command"):
            run_steps([step], tmp_path, lambda _: None)
    assert not (tmp_path / "steps" / "import.json").exists()
