"""The training pipeline on a small log: what it may read, what it leaves, that it repeats."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from models.annotation.annotations import load_annotations
from models.checkpoint import CheckpointInvalid, load_student, load_teacher
from models.data.causal import Replay
from models.data.log import Log
from models.evaluate_command import evaluate
from models.run_folder import RunFolderInvalid, RunRecord
from models.schema import TIERS
from models.train import space_of
from tests.trained import small_run, small_run_anew


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("training"))


@pytest.fixture(scope="module")
def replay(run: Path) -> Replay:
    return Replay.of(Log.read(run.parent / "log"))


def test_same_seed_gives_the_same_models(run: Path, tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(run.parent / "log")
    again = small_run_anew(tmp_path)
    for name in ("teacher", "student", "alone"):
        first, second = (load_file(folder / f"{name}.safetensors") for folder in (run, again))
        for weight, value in first.items():
            np.testing.assert_array_equal(value, second[weight], err_msg=f"{name} {weight}")


def test_no_row_of_the_teachers_own_window_is_annotated(run: Path, replay: Replay) -> None:
    notes = load_annotations(run)
    times = replay.log.impressions["timestamp_ms"].to_numpy()
    annotated = notes.pair.tier == TIERS.index("pair")
    assert annotated.any()
    assert times[annotated].min() >= replay.log.periods.student_from_ms
    assert not notes.pair.z[~annotated].any()


def test_replayed_cache_holds_some_of_what_is_shown(run: Path) -> None:
    notes = load_annotations(run)
    held = notes.held[notes.pair.tier > 0]
    assert 0.0 < (held == TIERS.index("pair")).mean() < 1.0
    assert (notes.user.tier[notes.held == TIERS.index("user")] == TIERS.index("user")).all()


def test_student_reads_a_space_and_the_untaught_one_reads_none(run: Path) -> None:
    assert load_student(run, "student")[1].features.teacher_dim == 32
    assert load_student(run, "alone")[1].features.teacher_dim == 0


def test_space_names_the_checkpoint(run: Path) -> None:
    teacher, _ = load_teacher(run, "teacher")
    assert space_of(teacher) == RunRecord.read(run).space
    teacher.head.bias.data += 1.0
    assert space_of(teacher) != RunRecord.read(run).space


def test_evaluation_covers_every_coverage(run: Path) -> None:
    evaluate(run)
    report = json.loads((run / "metrics.json").read_text())
    click = report["tasks"]["click"]
    assert {f"student_at_{share}" for share in (0, 20, 40, 60, 80, 100)} <= set(click)
    assert click["best_possible"]["log_loss"] < click["teacher"]["log_loss"]
    assert click["teacher"]["auc"] > click["prior_rates"]["auc"] > 0.5
    assert click["student_at_100"]["log_loss"] != click["student_at_0"]["log_loss"]


def test_what_is_no_run_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(RunFolderInvalid, match="understudy train"):
        RunRecord.read(tmp_path)
    with pytest.raises(CheckpointInvalid, match="understudy train"):
        load_student(tmp_path, "student")
