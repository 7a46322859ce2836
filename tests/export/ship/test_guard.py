"""The bundle that is served and the new one on the same rows, and which difference is too much."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from export.ship import guard
from export.ship.errors import Refused
from export.ship.guard import WITH, WITHOUT, Compared, check, measure
from export.ship.steps import named_in
from models.checkpoint import load_student
from models.data.causal import Replay
from models.data.log import Log
from models.evaluate import Candidate, Evaluation
from models.manifest import MANIFEST
from models.metrics import quality
from models.run_folder import RunRecord


def compared(run: Path, served: Path, new: Path) -> Compared:
    return Compared(run.parent / "log", run, served, new)


def bundle(serving: Path, role: str) -> Path:
    return serving / named_in(serving)[role]


def changed(folder: Path, to: Path, **fields: Any) -> Path:
    """The same graph under a manifest that says something else."""
    shutil.copytree(folder, to)
    manifest = json.loads((to / MANIFEST).read_text()) | fields
    (to / MANIFEST).write_text(json.dumps(manifest))
    return to


def test_a_student_is_as_good_as_itself_with_hints_and_without(run: Path, serving: Path) -> None:
    student = bundle(serving, "student")
    measured = measure(compared(run, student, student))
    assert set(measured) == {WITH, WITHOUT}
    for tasks in measured.values():
        for sides in tasks.values():
            assert sides["served"] == sides["new"]
    assert measured[WITH]["click"]["new"] != measured[WITHOUT]["click"]["new"]
    check(measured, 0.0)


def test_figures_are_those_of_the_run_on_its_test_window(run: Path, serving: Path) -> None:
    """Of the student that was never taught, whom no cache changes."""
    alone = bundle(serving, "alone")
    found = measure(compared(run, alone, alone))[WITHOUT]["click"]["new"]
    evaluation = Evaluation.of(Replay.of(Log.read(run.parent / "log")))
    model, config = load_student(run, "alone")
    candidate = Candidate(model, config.features, RunRecord.read(run).calibration["alone"])
    p = evaluation.answers(candidate, {"alone": None})["alone"][:, 0]
    labels = evaluation.replay.labels[evaluation.rows, 0]
    assert found["log_loss"] == pytest.approx(quality(p, labels)["log_loss"], abs=1e-6)


def test_a_miscalibrated_student_is_refused_whatever_the_cache_held(
    run: Path, serving: Path, tmp_path: Path
) -> None:
    student = bundle(serving, "student")
    calibration = json.loads((student / MANIFEST).read_text())["calibration"]
    calibration["click"]["offset"] += 3.0
    worse = changed(student, tmp_path / "worse", calibration=calibration)
    measured = measure(compared(run, student, worse))
    for hints in (WITH, WITHOUT):
        with pytest.raises(Refused, match=f"{hints}, the log loss of click"):
            check({hints: measured[hints]}, 0.01)
    check(measure(compared(run, worse, student)), 0.0)


def test_students_of_two_spaces_are_compared_without_hints(
    run: Path, serving: Path, tmp_path: Path
) -> None:
    student = bundle(serving, "student")
    other = changed(student, tmp_path / "other", reads_space="0" * 16)
    assert set(measure(compared(run, other, student))) == {WITHOUT}
    assert set(measure(compared(run, bundle(serving, "alone"), student))) == {WITHOUT}


def test_a_student_of_another_log_is_refused(run: Path, serving: Path, tmp_path: Path) -> None:
    student = bundle(serving, "student")
    features = json.loads((student / MANIFEST).read_text())["features"]
    features["log"]["context"][0]["name"] = "elsewhere"
    other = changed(student, tmp_path / "other", features=features)
    with pytest.raises(Refused, match="the served student reads a log of other tasks or columns"):
        measure(compared(run, other, student))


def told(served: float, new: float) -> guard.Measured:
    return {WITHOUT: {"click": {"served": {"log_loss": served}, "new": {"log_loss": new}}}}


@pytest.mark.parametrize(("new", "is_refused"), [(0.1, False), (0.202, False), (0.2021, True)])
def test_the_bound_is_a_share_of_what_is_served(new: float, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(Refused):
            check(told(0.2, new), 0.01)
    else:
        check(told(0.2, new), 0.01)


def test_not_a_number_is_worse() -> None:
    with pytest.raises(Refused):
        check(told(0.2, float("nan")), 0.01)


def test_nothing_measured_is_no_proof() -> None:
    with pytest.raises(Refused, match=re.escape("no task has both labels")):
        check({WITHOUT: {"click": {"served": {}, "new": {}}}}, 0.01)
