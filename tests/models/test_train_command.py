"""What the words and options of `understudy train` ask for, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress
from typer.testing import CliRunner

from models import train_command
from models.exfm import DistillationConfig
from models.run_folder import RunRecord
from models.train import STUDENT_RECIPE, TEACHER_RECIPE, Chosen
from models.training.parts import Plan
from understudy import build


class Asked:
    plan: Plan
    what: str
    anew: bool


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found = Asked()

    def note(plan: Plan, progress: Progress, what: str, *, anew: bool) -> None:
        found.plan, found.what, found.anew = plan, what, anew

    monkeypatch.setattr(train_command, "run_training", note)
    return found


def train(*words: str) -> tuple[int, str]:
    arguments = ("train", *words)
    result = CliRunner().invoke(build(arguments), arguments, prog_name="understudy")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.output.replace("│", " ").split())


def test_no_word_is_everything_as_the_demo_asks_for_it(asked: Asked) -> None:
    models = ("--teacher", "kunlun", "--size", "m", "--student", "dcnv2")
    assert train("--log", "LOG", "--out", "RUN", "--seed", "3", *models) == (0, "")
    assert (asked.what, asked.anew) == ("all", False)
    assert asked.plan == Plan(
        log=Path("LOG"), out=Path("RUN"), seed=3, chosen=Chosen("kunlun", "m", "dcnv2")
    )


def test_family_is_of_the_model_that_is_named(asked: Asked, tmp_path: Path) -> None:
    assert train("teacher", "--log", "LOG", "--out", "RUN", "--family", "kunlun")[0] == 0
    assert (asked.what, asked.plan.chosen.teacher) == ("teacher", "kunlun")
    _record().write(tmp_path)
    assert train("student", "--out", str(tmp_path), "--family", "interformer")[0] == 0
    assert (asked.what, asked.plan.chosen.student) == ("student", "interformer")


def test_students_take_log_and_seed_of_their_teacher(asked: Asked, tmp_path: Path) -> None:
    _record().write(tmp_path)
    assert train("student", "--out", str(tmp_path)) == (0, "")
    assert (asked.plan.log, asked.plan.seed) == (Path("/a/log"), 5)
    assert train("student", "--out", str(tmp_path), "--seed", "6") == (0, "")
    assert asked.plan.seed == 6


def test_epochs_and_patience_are_of_both_recipes(asked: Asked) -> None:
    assert train("--log", "LOG", "--out", "RUN", "--epochs", "9", "--patience", "2")[0] == 0
    recipes = asked.plan.recipes
    for recipe, usual in ((recipes.teacher, TEACHER_RECIPE), (recipes.student, STUDENT_RECIPE)):
        assert (recipe.epochs, recipe.patience) == (9, 2)
        assert recipe.learning_rate == usual.learning_rate


def test_distillation_is_told_by_field(asked: Asked) -> None:
    told = ("--distillation", "adapter_weight=0.5", "--distillation", "label_scale=2")
    assert train("--log", "LOG", "--out", "RUN", *told)[0] == 0
    expected = DistillationConfig(adapter_weight=0.5, label_scale=2.0)
    assert asked.plan.chosen.distillation == expected


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--out", "RUN"), "--log: give the log folder"),
        (("--family", "din"), "--family din: `understudy train all` has no use for it"),
        (("teacher", "--student", "din"), "--student din: `understudy train teacher` has no use"),
        (("teacher", "--family", "din"), "no family of teachers; give one of kunlun, interformer"),
        (("student", "--size", "m"), "--size m: `understudy train student` has no use for it"),
        (("--distillation", "weight=1"), "--distillation weight=1: Extra inputs"),
        (("--distillation", "label_scale"), "--distillation label_scale=: Input should be a valid"),
        (("--distillation", "label_scale=0"), "label_scale=0: Input should be greater than 0"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: tuple[str, ...], complaint: str, asked: Asked
) -> None:
    code, output = train("--out", "RUN", *words)
    assert code == 2
    assert complaint in output
    assert not hasattr(asked, "plan")


def test_placement_is_of_the_options(asked: Asked) -> None:
    assert (
        train("--log", "LOG", "--out", "RUN", "--precision", "bf16", "--compile", "--anew")[0] == 0
    )
    placement = asked.plan.placement
    assert (placement.device, placement.precision, placement.compiled) == ("cpu", "bf16", True)
    assert asked.anew


def test_several_devices_are_launched_with_the_same_words(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = list[Any]()
    monkeypatch.setattr(train_command, "launch", lambda *told: launched.append(told))
    words = ["understudy", "train", "--log", "LOG", "--out", "RUN", "--devices", "2"]
    monkeypatch.setattr("sys.argv", words)
    assert train(*words[2:]) == (0, "")
    assert launched == [(("-m", *words), 2)]
    assert not hasattr(asked, "plan")


def test_launched_process_knows_its_place(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "a", "RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert train("--log", "LOG", "--out", "RUN", "--devices", "2")[0] == 0
    assert (asked.plan.placement.rank, asked.plan.placement.ranks) == (1, 2)


def _record() -> RunRecord:
    return RunRecord(log="/a/log", seed=5, parts={"teacher": {}})


def test_what_a_student_reads_is_chosen(asked: Asked, tmp_path: Path) -> None:
    _record().write(tmp_path)
    reading = ("--reads", "pairs", "--tier", "neighbour", "--tier", "item")
    assert train("student", "--out", str(tmp_path), *reading)[0] == 0
    assert asked.plan.chosen.reads == "pairs"
    assert asked.plan.chosen.tiers == ("item", "neighbour")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("student", "--tier", "pair"), "--tier pair: give one of item, user, neighbour"),
        (("teacher", "--log", "LOG", "--tier", "user"), "has no use for it"),
        (("teacher", "--log", "LOG", "--reads", "all"), "--reads all"),
    ],
)
def test_what_cannot_be_read_is_refused(
    asked: Asked, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    _record().write(tmp_path)
    code, told = train(*words, "--out", str(tmp_path))
    assert code == 2
    assert said in told
