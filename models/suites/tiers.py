"""What each tier is worth, and what age takes from a pair's entry and its context's absence."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from models.annotation.annotations import Annotations
from models.examples import CacheSource
from models.exfm import DistillationConfig
from models.features.records import F64, I64, CacheAnswer, Hints
from models.schema import Tier
from models.suites.contexts import by_context, context_answers, context_note, has_context
from models.suites.rivals import answered, rival_note
from models.suites.scores import Answers, tables
from models.suites.table import Table
from models.suites.tier_tables import by_age, by_history, there
from models.suites.workbench import LOWER, Workbench
from models.train import Chosen

ALL: Final[tuple[Tier, ...]] = (*LOWER, "pair")
NOTHING: Final[dict[Tier, str]] = {tier: f"{tier}, nothing" for tier in ALL}
NOTE: Final = (
    "item, user, neighbour and pair: each with a student of its own that reads no other tier, and "
    "all of that tier there; nothing: the same student with an empty cache; 40 % of pairs: beside "
    "all of the tier. All tiers: one student of them and of the sequence. No distillation: what is "
    "heard is the entry alone, z being of the teacher's first hidden layer; where else z can be "
    "taken is for the ablations to compare."
)


def tiers(benches: Sequence[Workbench]) -> list[Table]:
    by_seed = answered(benches, _answers)
    first = benches[0]
    of_tasks = [
        table
        for task in range(len(first.replay.log.schema.tasks))
        for table in _of_task(first, by_seed, task)
    ]
    note = f"{NOTE} {context_note(first)} {rival_note(first)}"
    return [*tables("Tiers", first, by_seed, note), there(benches, ALL), *of_tasks]


def _of_task(bench: Workbench, by_seed: Sequence[Answers], task: int) -> Iterator[Table]:
    yield by_history(bench, by_seed, task, NOTHING)
    yield by_age(bench, by_seed, task, "pair", NOTHING["pair"])
    if has_context(bench.replay):
        yield by_context(bench, by_seed, task)


def _answers(bench: Workbench) -> Iterator[tuple[str, F64]]:
    for tier in LOWER:
        yield from _of_tier(bench, tier)
    yield from _of_pairs(bench)
    yield from _of_all(bench)
    # The teacher's logits are what distillation hears, so these do without it.
    alone = bench.chosen._replace(
        distillation=DistillationConfig(auxiliary_weight=0.0, adapter_weight=0.0),
        reads="pairs",
        tiers=(),
    )
    yield from context_answers(bench, alone)
    yield from _by_field(bench, alone)


def _of_tier(bench: Workbench, tier: Tier) -> Iterator[tuple[str, F64]]:
    chosen = bench.chosen._replace(reads="pairs", tiers=(tier,))
    caches = {
        NOTHING[tier]: bench.covered(0.0),
        tier: bench.covered(0.0, (tier,)),
        f"{tier}, 40 % of pairs": bench.covered(0.4, (tier,)),
    }
    yield from bench.answers(bench.student(chosen), caches).items()


def _of_pairs(bench: Workbench) -> Iterator[tuple[str, F64]]:
    chosen = bench.chosen._replace(reads="pairs", tiers=())
    caches = {
        NOTHING["pair"]: bench.covered(0.0),
        "pair": bench.covered(1.0),
        "pair, 40 % of pairs": bench.covered(0.4),
    }
    yield from bench.answers(bench.student(chosen), caches).items()


def _of_all(bench: Workbench) -> Iterator[tuple[str, F64]]:
    chosen = bench.chosen._replace(reads="all", tiers=LOWER)
    caches = {
        "all tiers, nothing": bench.covered(0.0),
        "all tiers, no pairs": bench.covered(0.0, LOWER),
        "all tiers, no pairs, and the sequence": bench.covered(0.0, LOWER, has_sequence=True),
        "all tiers, 40 % of pairs": bench.covered(0.4, LOWER),
        "all tiers": bench.covered(1.0, LOWER),
        "all tiers and the sequence, replayed": bench.held(chosen),
    }
    yield from bench.answers(bench.student(chosen), caches).items()


def _by_field(bench: Workbench, chosen: Chosen) -> Iterator[tuple[str, F64]]:
    blanked = {"z alone": ("logit",), "logit alone": ("z",)}
    for name, fields in blanked.items():
        student = bench.student_of(chosen, _without(bench.notes, fields))
        answer = bench.answer(student, _blanked(bench.covered(1.0), fields))
        yield f"pair, {name}, no distillation", answer


def _without(notes: Annotations, fields: Sequence[str]) -> Annotations:
    """For a student of its own: one that knew both would not know what to make of half."""
    return notes._replace(pair=_blank(notes.pair, fields))


def _blanked(cache: CacheSource, fields: Sequence[str]) -> CacheSource:
    def answer(requests: I64, impressions: I64) -> CacheAnswer:
        told = cache(requests, impressions)
        return told._replace(hints=_blank(told.hints, fields))

    return answer


def _blank(hints: Hints, fields: Sequence[str]) -> Hints:
    return hints._replace(**{field: np.zeros_like(getattr(hints, field)) for field in fields})
