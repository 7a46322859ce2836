"""Every share of the pairs that a cache may hold, for a student that met misses and one that did
not."""

from collections.abc import Iterator, Sequence
from typing import Final

from models.features.records import F64
from models.suites.rivals import answered, rival_note
from models.suites.scores import tables
from models.suites.table import Table
from models.suites.workbench import Workbench

SHARES: Final = (0, 20, 40, 60, 80, 100)
MATCHED: Final = "matched"
AT_FULL: Final = "trained at 100 %"


def coverage(benches: Sequence[Workbench]) -> list[Table]:
    first = benches[0]
    return tables("Coverage", first, answered(benches, _answers), rival_note(first))


def _answers(bench: Workbench) -> Iterator[tuple[str, F64]]:
    for name, meets_misses in ((MATCHED, True), (AT_FULL, False)):
        student = bench.student(bench.chosen._replace(meets_misses=meets_misses))
        caches = {
            f"{name}, {share} %{suffix}": bench.covered(share / 100.0, has_sequence=has_past)
            for has_past, suffix in ((False, ""), (True, " and the past"))
            for share in SHARES
        }
        yield from bench.answers(student, caches).items()
