"""How far a fit has come: all that an epoch changes."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR


@dataclass(slots=True)
class Course:
    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: OneCycleLR
    rng: np.random.Generator
    best: Mapping[str, Tensor]  # weights of the epoch with the lowest value
    values: list[float] = field(default_factory=list)  # validation by epoch
    learning_rate: float = 0.0  # of the newest step
    step: int = 0
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """Whole ones behind it."""
        return len(self.values)

    def stepped(self, seconds: float) -> None:
        self.step += 1
        self.seconds = seconds
        self.learning_rate = float(self.schedule.get_last_lr()[0])
        self.schedule.step()

    def validated(self, value: float, seconds: float) -> None:
        """Ends an epoch."""
        self.values.append(value)
        self.seconds = seconds
        if value == min(self.values):
            self.best = copy.deepcopy(self.model.state_dict())

    def is_over(self, epochs: int, patience: int) -> bool:
        """All epochs are behind it, or `patience` of them without a lower value."""
        if self.epoch >= epochs:
            return True
        return bool(self.values) and self.epoch - 1 - int(np.argmin(self.values)) >= patience
