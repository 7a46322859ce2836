"""InterFormer without each of its parts, as a teacher of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from models.backbones.interformer import InterFormerConfig
from models.calibration import on_validation
from models.data.causal import Replay
from models.evaluate import Candidate
from models.examples import features_of
from models.features.records import F64
from models.one_pass import one_pass
from models.suites.bounded import Bounds, bounded, impressions_in
from models.suites.measured import gain
from models.suites.scores import Answers, interval, measured
from models.suites.table import Cell, Table
from models.suites.workbench import Workbench
from models.teacher import Teacher, TeacherConfig
from models.teacher_sizes import Size, teacher_config
from models.train import TEACHER_HISTORY
from models.training.fit import Recipe
from models.training.placement import HERE

SIZE: Final[Size] = "s"
WHOLE: Final = "whole"
BOUNDS: Final = Bounds(teacher=80_000, validation=10_000, test=40_000)
QUICK_BOUNDS: Final = Bounds(teacher=12_000, validation=4_000, test=4_000)
RECIPE: Final = Recipe(epochs=1, batch_impressions=320, learning_rate=3e-3, embedding_decay=100.0)
COLUMNS: Final = ("teacher", "log loss", "AUC", "NE", "gain over the whole, 95 %")
NOTE: Final = (
    "InterFormer of size {size}, {layers} layer(s): one teacher each, that sees the newest "
    "{trained:,} impressions of its window once. PMA: the {pooled} learned queries that read all "
    "events; CLS: the {summary} tokens that stand before the events; recent: the {recent} newest "
    "events; each of these is left out of S_sum. Without gates both summaries pass as they are; "
    "without PFFN the events attend as they are, and hear of the user by CLS alone. Counts of "
    "matches and each candidate's own attention are in all of them."
)


def variants(whole: InterFormerConfig) -> dict[str, InterFormerConfig]:
    changes: dict[str, dict[str, object]] = {
        WHOLE: {},
        "without PMA": {"pooled": 0},
        "without CLS tokens": {"cls": False},
        "without recent tokens": {"recent": 0},
        "without gates": {"gates": False},
        "without personalised FFN": {"personal": False},
    }
    return {name: whole.model_copy(update=change) for name, change in changes.items()}


def teacher_ablations(benches: Sequence[Workbench]) -> list[Table]:
    bounds = QUICK_BOUNDS if benches[0].is_quick else BOUNDS
    small = [replace(bench, replay=bounded(bench.replay, bounds)) for bench in benches]
    by_seed = [dict(_answers(bench)) for bench in small]
    tasks = range(len(small[0].replay.log.schema.tasks))
    return [_table(small[0], by_seed, task) for task in tasks]


def _answers(bench: Workbench) -> Iterator[tuple[str, F64]]:
    whole = _whole(bench)
    for name, backbone in variants(_interformer(whole)).items():
        config = whole.model_copy(update={"backbone": backbone})
        model = _trained(bench, config)
        calibration = on_validation(bench.replay, model, config.features, None)
        yield name, bench.answer(Candidate(model, config.features, calibration))


def _whole(bench: Workbench) -> TeacherConfig:
    until_ms = bench.replay.log.periods.teacher.until_ms
    features = features_of(bench.replay, TEACHER_HISTORY, 0, until_ms)
    return teacher_config(features, "interformer", SIZE, bench.seed)


def _trained(bench: Workbench, config: TeacherConfig) -> Teacher:
    replay = bench.replay
    HERE.seeded(bench.seed)  # the weights that a teacher begins with are drawn too
    setting = (replay, replay.log.periods.teacher, bench.seed, bench.progress, RECIPE)
    return one_pass(Teacher(config), config.features, *setting)


def _table(bench: Workbench, by_seed: Sequence[Answers], task: int) -> Table:
    found, truth = measured(by_seed, bench, task)
    whole = found[0]
    rows: list[list[Cell | str]] = [
        [
            each.name,
            *(Cell.of(each.metric(name, truth)) for name in ("log_loss", "auc")),
            Cell.of(each.metric("normalised_entropy", truth)),
            "–" if each is whole else interval(gain(each, whole, truth)),
        ]
        for each in found
    ]
    seeds = f"{len(by_seed)} seed" + ("s" if len(by_seed) > 1 else "")
    name = bench.replay.log.schema.tasks[task]
    title = f"Parts of the teacher: {name} ({len(truth.labels):,} impressions, {seeds})"
    return Table(title, COLUMNS, rows, _note(bench))


def _note(bench: Workbench) -> str:
    whole = _interformer(_whole(bench))
    return NOTE.format(size=SIZE, trained=_seen(bench.replay), **whole.model_dump())


def _seen(replay: Replay) -> int:
    return impressions_in(replay, replay.log.periods.teacher)


def _interformer(config: TeacherConfig) -> InterFormerConfig:
    assert isinstance(config.backbone, InterFormerConfig)
    return config.backbone
