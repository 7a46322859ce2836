"""How much of the teacher each way of listening brings: one step after another."""

from collections.abc import Iterator, Sequence
from typing import Final

from models.exfm import DistillationConfig
from models.features.records import F64
from models.suites.rivals import answered, rival_note
from models.suites.scores import tables
from models.suites.table import Table
from models.suites.workbench import LOWER, Workbench
from models.train import Chosen

IN_ONE_HEAD: Final = DistillationConfig(
    serving_weight=1.0, auxiliary_weight=0.0, adapter_weight=0.0
)
AUXILIARY: Final = DistillationConfig(adapter_weight=0.0)
ADAPTED: Final = DistillationConfig()
NOTE: Final = (
    "Each of the three steps of distillation reads no cache when it answers. `replayed` has the "
    "sequences and ages that a cold cache under demand alone would have had; `all` reads pairs and "
    "the sequence, and in the last rows the tiers below as well (neighbour, user, item)."
)


def ladder(benches: Sequence[Workbench]) -> list[Table]:
    first = benches[0]
    note = f"{NOTE} {rival_note(first)}"
    return tables("Ladder", first, answered(benches, _answers), note)


def _answers(bench: Workbench) -> Iterator[tuple[str, F64]]:
    steps = {
        "+ distillation in one head": IN_ONE_HEAD,
        "+ ExFM auxiliary head": AUXILIARY,
        "+ student adapter": ADAPTED,
    }
    for name, distillation in steps.items():
        chosen = bench.chosen._replace(distillation=distillation, reads="nothing")
        yield name, bench.answer(bench.student(chosen))
    taught = bench.chosen._replace(distillation=ADAPTED)
    yield from _sequence(bench, taught._replace(reads="sequence"))
    yield from _pairs(bench, taught._replace(reads="pairs"))
    yield from _all(bench, taught, "all")
    yield from _all(bench, taught._replace(tiers=LOWER), "all and lower tiers")
    if not bench.is_quick:
        yield from _all(bench, taught._replace(days="both"), "all and the teacher's days")


def _sequence(bench: Workbench, chosen: Chosen) -> Iterator[tuple[str, F64]]:
    caches = {"+ LoopFM, replayed": bench.covered(0.0, has_sequence=True)}
    yield from bench.answers(bench.student(chosen), caches).items()


def _pairs(bench: Workbench, chosen: Chosen) -> Iterator[tuple[str, F64]]:
    caches = {
        "+ pair cache, replayed": bench.held(chosen),
        "+ pair cache, 40 % of pairs": bench.covered(0.4),
        "+ pair cache, all pairs": bench.covered(1.0),
    }
    yield from bench.answers(bench.student(chosen), caches).items()


def _all(bench: Workbench, chosen: Chosen, name: str) -> Iterator[tuple[str, F64]]:
    caches = {
        f"{name}, nothing in the cache": bench.covered(0.0),
        f"{name}, no pairs": bench.covered(0.0, chosen.tiers, has_sequence=True),
        f"{name}, replayed": bench.held(chosen),
        f"{name}, 40 % of pairs": bench.covered(0.4, chosen.tiers, has_sequence=True),
        f"{name}, all pairs": bench.covered(1.0, chosen.tiers, has_sequence=True),
    }
    yield from bench.answers(bench.student(chosen), caches).items()
