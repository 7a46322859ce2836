"""How much better a larger teacher is for its compute: Kunlun's scaling law, on both families."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import torch

from models.calibration import on_validation
from models.evaluate import Candidate
from models.features.records import F64
from models.flops import flops_of, weights_of
from models.inputs import Inputs
from models.learners import TeacherLearner
from models.suites.bounded import Bounds, bounded, impressions_in
from models.suites.scaling_law import law_table
from models.suites.scores import measured
from models.suites.table import Cell, Table
from models.suites.throughput import throughput
from models.suites.training_step import Sample, training_flops
from models.suites.utilisation import utilisation
from models.suites.workbench import Workbench
from models.teacher import Teacher
from models.teacher_sizes import FAMILIES, SIZES, Family, Size
from models.train import HELD_OUT, train_teacher
from models.training.fit import Recipe

BOUNDS: Final = Bounds(teacher=60_000, validation=10_000, test=20_000, requests=10_000)
QUICK_BOUNDS: Final = Bounds(teacher=12_000, validation=4_000, test=4_000, requests=4_000)
QUICK_SIZES: Final[Sequence[Size]] = ("s", "m")
RECIPE: Final = Recipe(epochs=1, batch_impressions=320, learning_rate=3e-3, embedding_decay=100.0)
COLUMNS: Final = (
    "teacher",
    "weights, M",
    "MFLOPs a candidate",
    "training TFLOPs",
    "log loss",
    "NE",
)
SAMPLE: Final = 640
NOTE: Final = (
    "Equal data: every teacher sees the same {trained:,} impressions once, the newest of its "
    "window, since that is what the largest can afford here; a larger one has more to gain from "
    "more. MFLOPs a candidate: forward, with the {listed:.0f} candidates of a request of this log "
    "(docs/model-costs.md: with 200). Training TFLOPs: forward and backward over all of them."
)


class Cost(NamedTuple):
    """Of one teacher, whatever it has learnt."""

    weights: int
    flops: float  # forward, a candidate
    training_flops: float  # of the whole training


class Trained(NamedTuple):
    cost: Cost
    answer: F64  # [n, T] on the test window


def scaling(benches: Sequence[Workbench]) -> list[Table]:
    quick = benches[0].is_quick
    bounds, sizes = (QUICK_BOUNDS, QUICK_SIZES) if quick else (BOUNDS, SIZES)
    small = [replace(bench, replay=bounded(bench.replay, bounds)) for bench in benches]
    by_seed = [dict(_trained(bench, sizes)) for bench in small]
    tasks = range(len(small[0].replay.log.schema.tasks))
    found = [table for task in tasks for table in _of_task(small[0], by_seed, task)]
    return [*found, throughput(small[0]), utilisation(small[0])]


def _trained(bench: Workbench, sizes: Sequence[Size]) -> Iterator[tuple[str, Trained]]:
    sample = Sample.of(bench.replay, SAMPLE)
    for family in FAMILIES:
        for size in sizes:
            model, answer = _answer(bench, family, size)
            yield f"{family} {size}", Trained(_cost(bench, model, sample), answer)


def _answer(bench: Workbench, family: Family, size: Size) -> tuple[Teacher, F64]:
    chosen = bench.chosen._replace(teacher=family, size=size)
    model, config = train_teacher(
        bench.replay, chosen, bench.seed, bench.progress, RECIPE, settles=False
    )
    calibration = on_validation(bench.replay, model, config.features, None)
    return model, bench.answer(Candidate(model, config.features, calibration))


def _cost(bench: Workbench, model: Teacher, sample: Sample) -> Cost:
    learner = TeacherLearner(model, len(sample.features.log.tasks))
    step = training_flops(learner, sample) / sample.candidates
    with torch.no_grad():
        forward = flops_of(lambda: model(Inputs.of(sample.batch.arrays)))
    return Cost(weights_of(model), forward / sample.candidates, step * _seen(bench))


def _seen(bench: Workbench) -> int:
    """Impressions that a teacher learns from: the last of its window only pick the epoch."""
    replay = bench.replay
    return round((1.0 - HELD_OUT) * impressions_in(replay, replay.log.periods.teacher))


def _of_task(
    bench: Workbench, by_seed: Sequence[Mapping[str, Trained]], task: int
) -> Iterator[Table]:
    answers = [{name: one.answer for name, one in named.items()} for named in by_seed]
    found, truth = measured(answers, bench, task)
    costs = {name: one.cost for name, one in by_seed[0].items()}
    entropies = {each.name: each.metric("normalised_entropy", truth) for each in found}
    rows: list[list[Cell | str]] = [
        [
            each.name,
            *_costs(costs[each.name]),
            Cell.of(each.metric("log_loss", truth), digits=5),
            Cell.of(entropies[each.name]),
        ]
        for each in found
    ]
    name = bench.replay.log.schema.tasks[task]
    seeds = f"{len(by_seed)} seed" + ("s" if len(by_seed) > 1 else "")
    title = f"Scaling: {name} ({len(truth.labels):,} impressions, {seeds})"
    yield Table(title, COLUMNS, rows, _note(bench))
    yield law_table(name, {name: cost.training_flops for name, cost in costs.items()}, entropies)


def _costs(cost: Cost) -> list[Cell]:
    figures = ((cost.weights / 1e6, 2), (cost.flops / 1e6, 2), (cost.training_flops / 1e12, 3))
    return [Cell(value, None, digits) for value, digits in figures]


def _note(bench: Workbench) -> str:
    replay = bench.replay
    return NOTE.format(trained=_seen(bench), listed=np.diff(replay.offsets).mean())
