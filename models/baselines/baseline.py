"""What every baseline is: a frozen config that fits itself to a design."""

from collections.abc import Callable
from typing import Any, Protocol

from models.baselines.design import Design
from models.features.records import F32

Logits = Callable[[Design], F32]
"""A design of n rows → `float32[n]` of one task, uncalibrated."""


class Baseline(Protocol):
    def fit(self, train: Design, validation: Design, task: int, seed: int) -> Logits:
        """From the rows whose label is known; validation may stop the fit, never feed it."""
        ...

    def model_dump(self) -> dict[str, Any]: ...
