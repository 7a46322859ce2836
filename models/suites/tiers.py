"""What each tier is worth, and what age takes from a pair's entry."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from models.annotate import Annotations
from models.examples import HintSource
from models.exfm import DistillationConfig
from models.features.records import F64, I64, Hints
from models.suites.measured import Measured, gain
from models.suites.scores import ALONE, TEACHER, interval, measured, tables
from models.suites.table import Table
from models.suites.workbench import Workbench

AGES_S: Final = (60.0, 600.0, 3600.0, 86_400.0)
NONE: Final = "nothing"
PAIR: Final = "pair"


def tiers(benches: Sequence[Workbench]) -> list[Table]:
    by_seed = [dict(_answers(bench)) for bench in benches]
    first = benches[0]
    tasks = range(len(first.replay.log.schema.tasks))
    return [
        *tables("Tiers", first, by_seed),
        *(_by_age(first, by_seed, task) for task in tasks),
    ]


def _answers(bench: Workbench) -> Iterator[tuple[str, F64]]:
    yield TEACHER, bench.answer(bench.teacher)
    yield ALONE, bench.answer(bench.untaught())
    caches = {
        NONE: bench.covered(0.0),
        "user": bench.covered(0.0, has_users=True),
        PAIR: bench.covered(1.0),
        "replayed: pair, then user": bench.held(),
    }
    yield from bench.answers(bench.student(bench.chosen), caches).items()
    # The teacher's logits are what distillation hears, so these three do without it.
    chosen = bench.chosen._replace(distillation=DistillationConfig(auxiliary_weight=0.0))
    blanked = {"z and logit": (), "z alone": ("logit",), "logit alone": ("z",)}
    for name, fields in blanked.items():
        student = bench.student(chosen, _without(bench.notes, fields))
        answer = bench.answer(student, _blanked(bench.covered(1.0), fields))
        yield f"pair, {name}, no distillation", answer


def _without(notes: Annotations, fields: Sequence[str]) -> Annotations:
    """For a student of its own: one that knew both would not know what to make of half."""
    return notes._replace(
        pair=_blank(notes.pair, fields), aggregate=_blank(notes.aggregate, fields)
    )


def _blanked(cache: HintSource, fields: Sequence[str]) -> HintSource:
    return lambda rows: _blank(cache(rows), fields)


def _blank(hints: Hints, fields: Sequence[str]) -> Hints:
    return hints._replace(**{field: np.zeros_like(getattr(hints, field)) for field in fields})


def _by_age(bench: Workbench, by_seed: Sequence[dict[str, F64]], task: int) -> Table:
    """Gain of the pair's entry over nothing, by how old the replayed entry was."""
    found, truth = measured(by_seed, bench, task)
    named = {each.name: each for each in found}
    labels = bench.replay.labels[bench.evaluation.rows, task]
    age_s = bench.notes.pair.age_s[bench.evaluation.rows][labels >= 0]
    rows = []
    for low, high in zip((0.0, *AGES_S[:-1]), AGES_S, strict=True):
        chosen = np.flatnonzero((age_s >= low) & (age_s < high))
        if len(chosen):
            part = truth._replace(labels=truth.labels[chosen], users=truth.users[chosen])
            better = gain(_of(named[PAIR], chosen), _of(named[NONE], chosen), part)
            rows.append([f"{low:g}–{high:g} s", f"{len(chosen):,}", interval(better)])
    name = bench.replay.log.schema.tasks[task]
    columns = ["age of the entry", "impressions", "gain in log loss over nothing, 95 %"]
    return Table(f"Age of a pair's entry: {name}", columns, rows)


def _of(variant: Measured, rows: I64) -> Measured:
    return Measured(variant.name, [p[rows] for p in variant.answers])
