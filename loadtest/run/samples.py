"""Everything that a run measured, by column, in order of the intended times."""

from array import array
from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtest.run.answers import SHED, Sample

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

NAN: Final = float("nan")
NO_VERSION: Final = -1


@dataclass(frozen=True, slots=True)
class Samples:
    """All `[requests]`."""

    due_s: F64
    lag_ms: F64
    latency_ms: F64
    status: I64
    covered: F64  # NaN where an answer has no coverage
    is_degraded: Mask
    stages_ms: dict[str, F64]  # NaN where an answer has none
    version: I64  # index into `versions`, or NO_VERSION
    versions: list[str]  # as they were first heard
    reasons: Counter[str]

    @property
    def is_answered(self) -> Mask:
        answered: Mask = self.status == 200
        return answered

    @property
    def is_shed(self) -> Mask:
        shed: Mask = self.status == SHED
        return shed

    @property
    def is_failed(self) -> Mask:
        return ~(self.is_answered | self.is_shed)

    def __len__(self) -> int:
        return len(self.due_s)


class Recorder:
    """Grows by some hundred bytes a request: an hour of load fits."""

    def __init__(self) -> None:
        self._numbers = {
            name: array("d") for name in ("due_s", "lag_ms", "latency_ms", "covered", "degraded")
        }
        self._status = array("q")
        self._version = array("q")
        self._versions: dict[str, int] = {}
        self._stages: dict[str, array[float]] = {}
        self._reasons: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._status)

    def add(self, sample: Sample) -> None:
        for name in ("due_s", "lag_ms", "latency_ms", "covered"):
            self._numbers[name].append(getattr(sample, name))
        self._numbers["degraded"].append(bool(sample.degraded))
        self._reasons.update(sample.degraded)
        self._version.append(self._version_of(sample.version))
        for name in sample.stages_ms:  # in the order that they are told in
            if name not in self._stages:
                self._stages[name] = array("d", [NAN]) * len(self)
        for name, spent in self._stages.items():
            spent.append(sample.stages_ms.get(name, NAN))
        self._status.append(sample.status)

    def _version_of(self, name: str) -> int:
        return self._versions.setdefault(name, len(self._versions)) if name else NO_VERSION

    def samples(self) -> Samples:
        numbers = {name: np.array(column) for name, column in self._numbers.items()}
        order = np.argsort(numbers["due_s"], kind="stable")
        return Samples(
            due_s=numbers["due_s"][order],
            lag_ms=numbers["lag_ms"][order],
            latency_ms=numbers["latency_ms"][order],
            status=np.array(self._status)[order],
            covered=numbers["covered"][order],
            is_degraded=numbers["degraded"][order] > 0,
            stages_ms={name: np.array(spent)[order] for name, spent in self._stages.items()},
            version=np.array(self._version)[order],
            versions=list(self._versions),
            reasons=self._reasons,
        )
