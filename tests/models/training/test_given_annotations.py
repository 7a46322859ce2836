"""Students that are trained on the annotations that another run's teacher made of their logs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.numpy import load_file
from typer import BadParameter

from export.export_command import export
from models.annotation.errors import AnnotationsInvalid, AnnotationsRefused
from models.annotation.record import Given
from models.annotation.run_teacher import TEACHER
from models.annotation.service import Order
from models.checkpoint import load_student
from models.data.log import Log
from models.evaluate_command import tell_run
from models.manifest import read_manifest
from models.run_folder import METRICS, PARTS, RunRecord
from models.training import options
from models.training.adopted import record_with
from models.training.course import Course
from models.training.errors import RunRefused
from models.training.parts import Plan, Recipes
from tests.models.annotation.two_students import (
    annotated_quietly,
    by_placement,
    untrained_run,
    written,
)
from tests.models.training.toy_fit import Stopped
from tests.trained import SMALL, run_quietly, small_log

RECIPES = Recipes(teacher=SMALL, student=SMALL)
NOTES = "annotations.safetensors"


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> Order:
    """Carried out, with a teacher of the joined logs."""
    folder = tmp_path_factory.mktemp("given")
    log = small_log(folder, impressions=4_000)
    run_quietly(Plan(log=log, out=folder / "run", recipes=RECIPES), "teacher")
    logs = written(by_placement(Log.read(log)), folder)
    found = Order(teacher=folder / "run", logs=logs, out=folder / "told")
    annotated_quietly(found)
    return found


def plan_of(order: Order, name: str, out: Path) -> Plan:
    return Plan(log=order.logs[name], out=out, recipes=RECIPES, annotations=order.out / name)


@pytest.fixture(scope="module")
def runs(order: Order) -> dict[str, Path]:
    """One of each log, `student`'s parts alone."""
    outs = {name: order.out.parent / f"run-{name}" for name in order.logs}
    for name, out in outs.items():
        run_quietly(plan_of(order, name, out), "student")
    return outs


def test_one_teacher_feeds_two_students(order: Order, runs: dict[str, Path]) -> None:
    space = RunRecord.read(order.teacher, (TEACHER,)).space
    for name, out in runs.items():
        record = RunRecord.read(out)
        assert (record.space, record.log) == (space, str(order.logs[name].resolve()))
        assert record.parts["student"]["space"] == space
        assert (out / NOTES).read_bytes() == (order.out / name / NOTES).read_bytes()
        assert load_student(out, "student")[1].features.teacher_dim == 32
    feed, other = (load_file(out / "student.safetensors") for out in runs.values())
    assert any(
        (feed[name] != other[name]).any() for name in feed if feed[name].shape == other[name].shape
    )


@pytest.mark.slow
def test_such_a_run_is_evaluated_and_exported_with_the_teacher_that_it_listened_to(
    order: Order, runs: dict[str, Path]
) -> None:
    tell_run(runs["feed"])
    click = json.loads((runs["feed"] / METRICS).read_text())["tasks"]["click"]
    assert click["student_at_100"]["log_loss"] != click["student_at_0"]["log_loss"]
    serving = order.out.parent / "serving"
    export(runs["feed"], serving, requests=20)
    named = json.loads((serving / "serving.json").read_text())
    student, teacher = (read_manifest(serving / named[name])[0] for name in ("student", TEACHER))
    assert student.reads_space == teacher.produces_space == RunRecord.read(runs["feed"]).space


def test_another_log_is_refused_with_both_digests(order: Order, tmp_path: Path) -> None:
    crossed = replace(plan_of(order, "feed", tmp_path), log=order.logs["other"])
    with pytest.raises(
        AnnotationsRefused, match=r"feed is of a log with the digest (\w+).* is \w+"
    ):
        run_quietly(crossed, "student")
    assert not [*tmp_path.iterdir()]


def test_a_run_with_another_teacher_is_refused(order: Order, tmp_path: Path) -> None:
    other = untrained_run(tmp_path, Log.read(order.logs["feed"]), seed=9)
    before = RunRecord.read(other, (TEACHER,))
    with pytest.raises(
        RunRefused, match=rf"has teacher of the space '{before.space}', not .*--anew"
    ):
        run_quietly(plan_of(order, "feed", other), "student")
    assert RunRecord.read(other, (TEACHER,)) == before


def test_a_folder_without_annotations_is_refused(order: Order, tmp_path: Path) -> None:
    with pytest.raises(AnnotationsInvalid, match="understudy annotate"):
        run_quietly(replace(plan_of(order, "feed", tmp_path), annotations=tmp_path), "student")
    missing = replace(plan_of(order, "feed", tmp_path), annotations=order.out / "video")
    with pytest.raises(
        AnnotationsInvalid, match=r"video is of no log.*give .*told/feed, .*told/oth"
    ):
        run_quietly(missing, "student")


def test_log_and_seed_are_those_of_the_annotation(order: Order, tmp_path: Path) -> None:
    folder = order.out / "feed"
    log = order.logs["feed"].resolve()
    assert options.log_and_seed("student", tmp_path, None, None, folder) == (log, 0)
    told = (tmp_path / "log", 3)
    assert options.log_and_seed("student", tmp_path, *told, folder) == told
    with pytest.raises(BadParameter, match="`understudy train all` has no use for it"):
        options.log_and_seed("all", tmp_path, *told, folder)


def test_a_run_begun_with_given_annotations_goes_on_with_them_alone(
    order: Order, tmp_path: Path
) -> None:
    plan = plan_of(order, "feed", tmp_path)
    with pytest.raises(Stopped):
        run_quietly(replace(plan, after_epoch=_stop), "student")
    assert set(RunRecord.read(tmp_path, ()).parts) == {"teacher", "annotations"}
    with pytest.raises(RunRefused, match=r"has a annotations with given .*, not None"):
        run_quietly(replace(plan, annotations=None), "student")
    assert set(run_quietly(plan, "student").parts) == set(PARTS)


def test_anew_takes_the_teacher_of_the_annotations_whatever_is_there(
    order: Order, tmp_path: Path
) -> None:
    other = untrained_run(tmp_path, Log.read(order.logs["feed"]), seed=9)
    given = Given.read(order.out / "feed")
    record = record_with(given, other, 4, anew=True)
    assert (record.space, record.seed) == (given.record.space, 4)
    assert set(record.parts) == {"teacher"}


def _stop(_: Course) -> None:
    raise Stopped
