"""Some impressions of the test window: what each variant loses on them alone."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.suites.measured import Measured, Truth, gain
from models.suites.scores import Answers, interval, measured
from models.suites.workbench import Workbench


class Part(NamedTuple):
    """Of one task; never asked for a gain where it is empty."""

    named: Mapping[str, Measured]
    truth: Truth

    @classmethod
    def of(
        cls, bench: Workbench, by_seed: Sequence[Answers], task: int, chosen: NDArray[np.bool_]
    ) -> "Part":
        """`chosen` by impression of the test window; those of unknown label are left out."""
        found, truth = measured(by_seed, bench, task)
        rows = np.flatnonzero(chosen[bench.replay.labels[bench.evaluation.rows, task] >= 0])
        named = {each.name: Measured(each.name, [p[rows] for p in each.answers]) for each in found}
        return cls(named, Truth(truth.labels[rows], truth.users[rows]))

    @property
    def size(self) -> int:
        return len(self.truth.labels)

    def gain(self, variant: str, reference: str) -> str:
        return interval(gain(self.named[variant], self.named[reference], self.truth))
