"""Ours beside what anybody would try first, tuned on validation, on the same split and features."""

from collections.abc import Iterator, Sequence
from typing import Final

from models.features.records import F64
from models.students.families import FAMILIES
from models.suites.rivals import answered, rival_note
from models.suites.scores import ALONE, table_of
from models.suites.table import Table
from models.suites.workbench import Workbench

NOTE: Final = (
    "`matches L`: how many of the user's last L events share each of the candidate's values, by "
    "outcome, which our teachers read too (L = 200). Baselines train on the student's period; "
    "`… + teacher's days` on both. Each had a grid of at most six settings, chosen on validation."
)


def baselines(benches: Sequence[Workbench]) -> list[Table]:
    by_seed = answered(benches, _answers, has_trees=False)
    return [table_of("Baselines", benches[0], by_seed, 0, f"{NOTE} {rival_note(benches[0])}")]


def _answers(bench: Workbench) -> Iterator[tuple[str, F64]]:
    # Late: the trees' library needs a system library (libgomp) that nothing else here does.
    from models.baselines.suite import baseline_answers

    for family in FAMILIES:
        if family != bench.chosen.student:
            chosen = bench.chosen._replace(student=family)
            yield f"{ALONE}, {family}", bench.answer(bench.untaught(chosen))
    taught = bench.student(bench.chosen)
    caches = {
        "student, nothing in its cache": bench.covered(0.0),
        "student, replayed cache": bench.held(),
        "student, all pairs": bench.covered(1.0, bench.chosen.tiers, has_sequence=True),
    }
    yield from bench.answers(taught, caches).items()
    limit = 1 if bench.is_quick else None
    told = baseline_answers(bench.replay, bench.seed, bench.progress, limit)
    yield from told.probabilities.items()
    if not bench.is_quick:
        more = baseline_answers(bench.replay, bench.seed, bench.progress, 1, "both")
        yield "trees_matches_200 + teacher's days", more.probabilities["trees_matches_200"]
