"""What the context in a pair's key is worth, and what it costs to serve entries without it."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.annotation.contextless import contextless, was_elsewhere
from models.data.causal import Replay
from models.examples import Examples
from models.features.records import F64
from models.suites.part import Part
from models.suites.scores import ALONE, Answers
from models.suites.steps import Told
from models.suites.table import Table
from models.suites.workbench import Workbench
from models.teacher import Teacher
from models.train import Chosen

WITH: Final = "pair, z and logit, no distillation"
WITHOUT: Final = "pair, no context, no distillation"
SERVED_WITHOUT: Final = "pair, no context when served, no distillation"
READ: Final = {
    "with": WITH,
    "without": WITHOUT,
    "trained with, served without": SERVED_WITHOUT,
}
NOTE: Final = (
    "No context: the teacher was asked as of the same instant, under the context of the user's "
    "request before, as a key that leaves the context out would have it; the student is trained "
    "so too, or only served so. The context before is another for {share:.0%} of the test window."
)
NO_CONTEXT: Final = "This log has no context, so none is left out of a key."


def has_context(replay: Replay) -> bool:
    return bool(replay.log.schema.context)


def context_note(bench: Workbench) -> str:
    if not has_context(bench.replay):
        return NO_CONTEXT
    return NOTE.format(share=_is_elsewhere(bench).mean())


def context_answers(bench: Workbench, chosen: Chosen) -> Iterator[tuple[str, F64]]:
    student = bench.student(chosen)
    yield WITH, bench.answer(student, bench.covered(1.0))
    if has_context(bench.replay):
        told = _told(bench)
        yield WITHOUT, told.answer(told.student(chosen), told.covered(1.0))
        yield SERVED_WITHOUT, told.answer(student, told.covered(1.0))


def by_context(bench: Workbench, by_seed: Sequence[Answers], task: int) -> Table:
    """Where the request before was made elsewhere, and where it was not."""
    is_elsewhere = _is_elsewhere(bench)
    rows = []
    for name, chosen in (("as before", ~is_elsewhere), ("another", is_elsewhere)):
        part = Part.of(bench, by_seed, task, chosen)
        if part.size:
            gains = [part.gain(variant, ALONE) for variant in READ.values()]
            rows.append([name, f"{part.size:,}", *gains])
    columns = ["context", "impressions", *READ]
    name = bench.replay.log.schema.tasks[task]
    note = f"Gain in log loss over the {ALONE}, 95 %, by what the key of an entry says."
    return Table(f"Context of a pair's entry: {name}", columns, rows, note)


def _told(bench: Workbench) -> Told:
    """The same bench whose teacher was asked elsewhere."""
    model = bench.teacher.model
    assert isinstance(model, Teacher)
    examples = Examples.of(bench.replay, bench.teacher.schema)
    pair = contextless(model, examples, bench.notes.pair, bench.progress)
    setting = (bench.seed, bench.recipes, bench.progress, bench.chosen, bench.is_quick)
    return Told(bench.replay, *setting, told=bench.notes._replace(pair=pair))


def _is_elsewhere(bench: Workbench) -> NDArray[np.bool_]:
    """By impression of the test window."""
    counts = np.diff(bench.replay.offsets)[bench.evaluation.requests]
    elsewhere: NDArray[np.bool_] = was_elsewhere(bench.replay)[bench.evaluation.requests]
    return np.repeat(elsewhere, counts)
