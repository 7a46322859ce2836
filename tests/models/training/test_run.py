"""A run in parts: stopped, gone on with, refused, made anew. On a log of 4,000 impressions."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models.data.adworld.world import make_log
from models.run_folder import METRICS, RUN, RunRecord
from models.train import Chosen
from models.training.course import Course
from models.training.errors import RunFolderInvalid, RunRefused
from models.training.parts import Plan, Recipes
from models.training.placement import Placement
from tests.models.training.toy_fit import Stopped
from tests.trained import SMALL, run_quietly, small_log

TWICE = replace(SMALL, epochs=2)
IMPRESSIONS = 4_000


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("run")
    return Plan(
        log=small_log(folder, IMPRESSIONS),
        out=folder / "whole",
        recipes=Recipes(teacher=TWICE, student=TWICE),
    )


@pytest.fixture(scope="module")
def whole(plan: Plan) -> Path:
    run_quietly(plan)
    return plan.out


@pytest.fixture(scope="module")
def half(plan: Plan) -> Plan:
    """Stopped after the teacher's first epoch."""
    stopped = replace(plan, out=plan.out.parent / "half")
    stop(stopped, after_epochs=1)
    return stopped


def stop(plan: Plan, after_epochs: int) -> None:
    """Of all models together."""
    with pytest.raises(Stopped):
        run_quietly(replace(plan, after_epoch=_stopping_at(after_epochs)))


def _stopping_at(epochs: int) -> Callable[[Course], None]:
    left = iter(range(epochs - 1))

    def stop(_: Course) -> None:
        if next(left, None) is None:
            raise Stopped

    return stop


def made(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


def told(folder: Path) -> RunRecord:
    return RunRecord.read(folder).model_copy(update={"seconds": {}})


def test_run_that_was_stopped_twice_equals_one_that_was_not(
    plan: Plan, whole: Path, tmp_path: Path
) -> None:
    again = replace(plan, out=tmp_path)
    stop(again, after_epochs=1)  # in the teacher
    stop(again, after_epochs=4)  # in the student: teacher 1, alone 2, student 1
    assert set(RunRecord.read(tmp_path, needed=()).parts) == {"teacher", "annotations", "alone"}
    run_quietly(again)
    assert made(tmp_path) == made(whole)
    assert told(tmp_path) == told(whole)


def test_finished_run_has_curves_and_no_checkpoints(whole: Path) -> None:
    assert not (whole / "checkpoints").exists()
    assert {path.name for path in (whole / "curves").glob("*.csv")} == {
        "teacher.csv",
        "alone.csv",
        "student.csv",
    }


def test_run_that_has_yet_to_end_is_refused_with_what_is_missing(half: Plan) -> None:
    with pytest.raises(RunFolderInvalid, match=r"has nothing, but no teacher: .*train teacher"):
        RunRecord.read(half.out)


def _others(plan: Plan) -> Iterator[tuple[Plan, str]]:
    yield replace(plan, seed=1), "seed 0, not 1"
    yield replace(plan, chosen=Chosen(size="m")), "size 's', not 'm'"
    yield replace(plan, placement=Placement(precision="bf16")), "precision 'fp32', not 'bf16'"
    recipes = Recipes(teacher=replace(TWICE, patience=1))
    yield replace(plan, recipes=recipes), r"recipe\.patience 3, not 1"


def test_other_options_are_refused_with_the_remedy(half: Plan) -> None:
    for other, field in _others(half):
        with pytest.raises(RunRefused, match=f"{field}: .*--anew"):
            run_quietly(other)


def test_other_log_is_refused_with_the_remedy(half: Plan, tmp_path: Path) -> None:
    make_log(impressions=IMPRESSIONS, seed=8).write(tmp_path)
    with pytest.raises(RunRefused, match=r"log .*--anew"):
        run_quietly(replace(half, log=tmp_path))


def test_same_log_in_another_folder_goes_on(plan: Plan, tmp_path: Path) -> None:
    stopped = replace(plan, out=tmp_path / "run")
    stop(stopped, after_epochs=1)
    moved = shutil.copytree(plan.log, tmp_path / "log")
    record = run_quietly(replace(stopped, log=moved), "teacher")
    assert record.log == str(moved.resolve())


def test_teacher_and_students_by_word_are_those_of_all(
    plan: Plan, whole: Path, tmp_path: Path
) -> None:
    apart = replace(plan, out=tmp_path)
    run_quietly(apart, "teacher")
    with pytest.raises(RunRefused, match="has a teacher with size 's', not 'l'"):
        run_quietly(replace(apart, chosen=Chosen(size="l")))
    with pytest.raises(RunFolderInvalid, match=r"has teacher, but no annotations: .*train student"):
        RunRecord.read(tmp_path)
    run_quietly(apart, "student")
    assert made(tmp_path) == made(whole)


def test_students_need_a_teacher(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(RunFolderInvalid, match="train"):
        run_quietly(replace(plan, out=tmp_path), "student")


def test_what_is_finished_is_made_anew_with_what_follows_from_it(
    plan: Plan, tmp_path: Path
) -> None:
    quick = replace(plan, out=tmp_path, recipes=Recipes(teacher=SMALL, student=SMALL))
    first = run_quietly(quick)
    (tmp_path / METRICS).write_text("{}")
    students = run_quietly(replace(quick, chosen=Chosen(student="dcnv2")), "student")
    assert students.parts["student"]["family"] == "dcnv2"
    assert students.space == first.space
    assert not (tmp_path / METRICS).exists()
    assert set(run_quietly(quick, "teacher").parts) == {"teacher"}


def test_anew_begins_again_whatever_is_there(half: Plan, tmp_path: Path) -> None:
    other = replace(half, out=tmp_path, seed=1, recipes=Recipes(teacher=SMALL))
    (tmp_path / RUN).write_text("no record")
    with pytest.raises(RunFolderInvalid, match="--anew"):
        run_quietly(other, "teacher")
    assert run_quietly(other, "teacher", anew=True).seed == 1
