"""How much of the teacher each way of listening brings: one step after another."""

from collections.abc import Iterator, Sequence
from typing import Final

from models.exfm import DistillationConfig
from models.features.records import F64
from models.suites.scores import ALONE, TEACHER, Answers, tables
from models.suites.table import Table
from models.suites.workbench import Workbench
from models.train import Chosen

IN_ONE_HEAD: Final = DistillationConfig(serving_weight=1.0, auxiliary_weight=0.0)
AUXILIARY: Final = DistillationConfig(auxiliary_weight=1.0)
ADAPTED: Final = DistillationConfig(auxiliary_weight=1.0, adapter_weight=1.0)
NOTE: Final = (
    "Each of the three steps of distillation reads no cache when it answers. `+ cache, replayed` "
    "has the tiers and ages that a cold cache under demand alone would have had."
)


def ladder(benches: Sequence[Workbench]) -> list[Table]:
    return tables("Ladder", benches[0], [dict(_answers(bench)) for bench in benches], NOTE)


def _answers(bench: Workbench) -> Iterator[tuple[str, F64]]:
    yield TEACHER, bench.answer(bench.teacher)
    yield ALONE, bench.answer(bench.untaught())
    steps = {
        "+ distillation in one head": IN_ONE_HEAD,
        "+ ExFM auxiliary head": AUXILIARY,
        "+ student adapter": ADAPTED,
    }
    for name, distillation in steps.items():
        chosen = bench.chosen._replace(distillation=distillation, reads_cache=False)
        yield name, bench.answer(bench.student(chosen))
    yield from _cached(bench, bench.chosen._replace(distillation=ADAPTED))


def _cached(bench: Workbench, chosen: Chosen) -> Iterator[tuple[str, F64]]:
    caches = {
        "+ cache, nothing in it": bench.covered(0.0),
        "+ cache, users' means only": bench.covered(0.0, has_users=True),
        "+ cache, replayed": bench.held(),
        "+ cache, 40 % of pairs": bench.covered(0.4, has_users=True),
        "+ cache, all pairs": bench.covered(1.0, has_users=True),
    }
    answers: Answers = bench.answers(bench.student(chosen), caches)
    yield from answers.items()
