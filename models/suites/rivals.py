"""What stands beside a teacher in every table: the models that it is measured by, and those that
anybody would try instead of one."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from models.features.records import F64
from models.suites.scores import ALONE, TEACHER, Answers
from models.suites.workbench import Workbench

Variants = Callable[[Workbench], Iterator[tuple[str, F64]]]

TRUTH: Final = "known truth"
LONG: Final = 100
"""Events: 50 more, at 17 bytes each, are what a sequence of 50 takes at 32 numbers in 4 bits."""
TREES: Final = "boosted trees, counters and matches"
LONGER: Final = f"{ALONE}, {LONG} events"
OLDER: Final = f"{ALONE}, the teacher's days too"
NOTE: Final = (
    f"Rivals: trees have the causal counters and match counts over 200 events; {LONG} events take "
    "as many bytes as 50 with a sequence; the teacher's days too: labels of both periods."
)


def answered(
    benches: Sequence[Workbench], variants: Variants, *, has_trees: bool = True
) -> list[Answers]:
    """Of each seed: teacher, the student that stands alone, its rivals, then the variants."""
    trees = {TREES: _trees(benches[0])} if has_trees and not benches[0].is_quick else {}
    return [
        {**dict(_references(bench)), **trees, **dict(_rivals(bench)), **dict(variants(bench))}
        for bench in benches
    ]


def rival_note(bench: Workbench) -> str:
    return "" if bench.is_quick else NOTE


def _references(bench: Workbench) -> Iterator[tuple[str, F64]]:
    if (truth := bench.truth()) is not None:
        yield TRUTH, truth
    yield TEACHER, bench.answer(bench.teacher)
    yield ALONE, bench.answer(bench.untaught())


def _rivals(bench: Workbench) -> Iterator[tuple[str, F64]]:
    if bench.is_quick:
        return
    yield LONGER, bench.answer(bench.untaught(bench.chosen._replace(history=LONG)))
    yield OLDER, bench.answer(bench.untaught(bench.chosen._replace(days="both")))


def _trees(bench: Workbench) -> F64:
    """The same under every seed: nothing in them is drawn."""
    # Late: the trees' library needs a system library (libgomp) that nothing else here does.
    from models.baselines.suite import tree_answers

    return bench.models.once("trees", lambda: tree_answers(bench.replay, bench.seed))
