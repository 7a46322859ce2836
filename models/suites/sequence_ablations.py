"""LoopFM's sequence without pairs: how wide, how long, how exact, whence, and how it is read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from models.annotation.annotations import Annotations
from models.features.records import F64
from models.metrics import transfer_ratio
from models.settled_bottleneck import MOST_REQUESTS
from models.student import SequenceReading
from models.suites.measured import gain
from models.suites.scores import ALONE, TEACHER, interval, measured
from models.suites.sequence_words import Words
from models.suites.steps import Told
from models.suites.table import Cell, Table
from models.suites.workbench import Workbench
from models.train import STUDENT_HISTORY

EPOCHS: Final = 3
SERVED: Final = "as served"
UNHEARD: Final = "as served, nothing said"
COLUMNS: Final = (
    "variant",
    "AUC",
    "log loss",
    "NE",
    "TR",
    "gain over the student alone, 95 %",
    f"gain over `{SERVED}`, 95 %",
    "effective rank of z",
)
NOTE: Final = (
    "As served: 32 numbers in 4 bits on the newest {length} events, of the first hidden layer, "
    "read by matching. Every other row changes one of these, and its student is trained anew; "
    "`nothing said` is the student as served whose cache is empty. No student here reads a pair, "
    "and each has {epochs} epochs. Rows marked * have a bottleneck that was fitted "
    "afterwards, as the teacher's own is settled, on its newest {fitted:,} requests; the teacher, "
    "its logits and what is distilled of them are the same in all. Input embeddings: columns of "
    "user, context and item before they meet. Effective rank: of the z of all events that were "
    "spoken of."
)


class Variant(NamedTuple):
    name: str
    notes: Callable[[Words], Annotations]  # late: each is a z of the whole log
    reading: SequenceReading = "matched"
    has_own_z: bool = True
    is_quick: bool = False


def _as_served(words: Words) -> Annotations:
    return words.notes


VARIANTS: Final = (
    Variant(SERVED, _as_served, is_quick=True),
    Variant("8 numbers of 32", lambda words: words.prefix(8), is_quick=True),
    Variant("16 numbers of 32", lambda words: words.prefix(16)),
    Variant("32 numbers *", lambda words: words.taken("first", 32)),
    Variant("64 numbers *", lambda words: words.taken("first", 64)),
    Variant("128 numbers *", lambda words: words.taken("first", 128), is_quick=True),
    Variant("second hidden layer *", lambda words: words.taken("second", 32), is_quick=True),
    Variant("input embeddings *", lambda words: words.taken("embedded", 32)),
    Variant("fp16", lambda words: words.exact()),
    Variant("5 events", lambda words: words.newest(5), has_own_z=False, is_quick=True),
    Variant("10 events", lambda words: words.newest(10), has_own_z=False),
    Variant("20 events", lambda words: words.newest(20), has_own_z=False),
    Variant("read by sum", _as_served, "sum", has_own_z=False, is_quick=True),
    Variant("read by attention", _as_served, "attention", has_own_z=False),
)


class _Run(NamedTuple):
    """Of one seed, by variant."""

    answers: dict[str, F64]
    ranks: dict[str, float]


def sequence_ablations(benches: Sequence[Workbench]) -> list[Table]:
    runs = [_run(bench) for bench in benches]
    tasks = range(len(benches[0].replay.log.schema.tasks))
    return [_table(benches[0], runs, task) for task in tasks]


def _run(bench: Workbench) -> _Run:
    words = Words.of(bench)
    alone = _told(bench, bench.notes)
    run = _Run(dict(_references(bench, alone)), {})
    for variant in VARIANTS:
        if variant.is_quick or not bench.is_quick:
            notes = variant.notes(words)
            run.answers.update(_answers(_told(bench, notes, variant.reading), variant.name))
            if variant.has_own_z:
                run.ranks[variant.name] = words.rank(notes)
    return run


def _references(bench: Workbench, told: Told) -> Iterator[tuple[str, F64]]:
    yield TEACHER, bench.answer(bench.teacher)
    yield ALONE, told.answer(told.untaught())


def _answers(told: Told, name: str) -> dict[str, F64]:
    caches = {name: told.covered(0.0, has_sequence=True)}
    if name == SERVED:
        caches[UNHEARD] = told.covered(0.0)
    return told.answers(told.student(told.chosen), caches)


def _told(bench: Workbench, notes: Annotations, reading: SequenceReading = "matched") -> Told:
    chosen = bench.chosen._replace(reads="sequence", tiers=(), sequence=reading)
    student = replace(bench.recipes.student, epochs=_epochs(bench))
    recipes = replace(bench.recipes, student=student)
    setting = (bench.seed, recipes, bench.progress, chosen, bench.is_quick)
    return Told(bench.replay, *setting, told=notes)


def _table(bench: Workbench, runs: Sequence[_Run], task: int) -> Table:
    found, truth = measured([run.answers for run in runs], bench, task)
    named = {each.name: each for each in found}
    losses = {each.name: each.metric("log_loss", truth) for each in found}
    rows: list[list[Cell | str]] = []
    for each in found:
        figures = [Cell.of(each.metric(name, truth)) for name in ("auc", "log_loss")]
        entropy = Cell.of(each.metric("normalised_entropy", truth))
        ratio = transfer_ratio(losses[ALONE], losses[each.name], losses[TEACHER])
        is_own = each.name in (ALONE, TEACHER)
        gains = [
            "–" if each.name == name else interval(gain(each, named[name], truth))
            for name in (ALONE, SERVED)
        ]
        shown = "–" if is_own else str(Cell.of(ratio, digits=2))
        rows.append([each.name, *figures, entropy, shown, *gains, _rank(runs, each.name)])
    seeds = f"{len(runs)} seed" + ("s" if len(runs) > 1 else "")
    name = bench.replay.log.schema.tasks[task]
    title = f"Sequence: {name} ({len(truth.labels):,} impressions, {seeds})"
    return Table(title, COLUMNS, rows, _note(bench))


def _rank(runs: Sequence[_Run], name: str) -> Cell | str:
    if name not in runs[0].ranks:
        return "–"
    return Cell.of(np.array([run.ranks[name] for run in runs]), digits=1)


def _epochs(bench: Workbench) -> int:
    """Fewer than elsewhere: there are many students."""
    return min(EPOCHS, bench.recipes.student.epochs)


def _note(bench: Workbench) -> str:
    return NOTE.format(length=STUDENT_HISTORY, epochs=_epochs(bench), fitted=MOST_REQUESTS)
