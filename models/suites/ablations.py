"""What each part of the teacher is worth, and each choice in what it leaves of the past."""

from collections.abc import Sequence

from models.suites.sequence_ablations import sequence_ablations
from models.suites.table import Table
from models.suites.teacher_ablations import teacher_ablations
from models.suites.workbench import Workbench


def ablations(benches: Sequence[Workbench]) -> list[Table]:
    return [*teacher_ablations(benches), *sequence_ablations(benches)]
