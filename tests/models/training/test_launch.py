"""Two processes under torch's launcher, over gloo."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from models.checkpoint import load_teacher
from models.run_folder import RunRecord
from models.train import space_of
from tests.models.training import two_processes
from tests.trained import small_log

pytestmark = [pytest.mark.slow, pytest.mark.alone]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("launched")
    log = small_log(folder, impressions=4_000)
    script = str(two_processes.__file__)
    subprocess.run(
        [sys.executable, script, str(log), str(folder / "run"), str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    return folder


@pytest.fixture(scope="module")
def told(trained: Path) -> list[dict[str, Any]]:
    return [json.loads((trained / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_both_processes_end_with_equal_weights(trained: Path, told: list[dict[str, Any]]) -> None:
    assert told[0]["sums"]
    assert told[0]["sums"] == told[1]["sums"]
    teacher, _ = load_teacher(trained / "run", "teacher")
    assert told[0]["space"] == told[1]["space"] == space_of(teacher)


def test_resumed_run_of_two_equals_one_that_was_not_stopped(told: list[dict[str, Any]]) -> None:
    assert told[0]["resumed"] == told[1]["resumed"] == told[0]["space"]


def test_run_folder_is_written_once(trained: Path, told: list[dict[str, Any]]) -> None:
    assert told[1]["written"] == []
    assert Counter(told[0]["written"]) == {
        "run.json": 2,  # begun, and ended
        "teacher.csv": 1,
        "teacher.safetensors": 3,  # two checkpoints, and the model
        "teacher.json": 1,
    }
    assert RunRecord.read(trained / "run", ["teacher"]).parts["teacher"]["placement"]["ranks"] == 2
    assert len(list((trained / "run" / "curves" / "teacher").iterdir())) == 1
