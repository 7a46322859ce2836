"""A fit of milliseconds that draws from torch and from numpy in every step."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor, nn

from models.examples import Batch
from models.features.records import I64
from models.training.course import Course
from models.training.fit import Recipe, Task, fit
from models.training.placement import HERE, Placement
from models.training.trail import Trail

REQUESTS = 40
RECIPE = Recipe(epochs=4, batch_impressions=8, learning_rate=0.05)
TRUTH = np.random.default_rng(1).normal(size=(REQUESTS, 3)).astype(np.float32)


class Stopped(Exception):
    """What a killed process leaves is what this leaves."""


class Toy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ids = nn.Embedding(REQUESTS, 4)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(4, 3)

    def loss(self, batch: Batch) -> Tensor:
        answered = self.head(self.dropout(self.ids(torch.from_numpy(batch.impression))))
        missed: Tensor = (answered - torch.from_numpy(batch.labels)).square().mean()
        return missed

    def weights(self) -> list[float]:
        return torch.cat([weight.detach().flatten() for weight in self.parameters()]).tolist()


class ToyFit:
    """`values`: what validation says, epoch by epoch; else it is the loss."""

    def __init__(self, values: Sequence[float] | None = None) -> None:
        torch.manual_seed(0)
        self.model, self.rng = Toy(), np.random.default_rng(0)
        self.said = None if values is None else iter(values)
        self.at_validation: list[list[float]] = []

    def task(self) -> Task:
        return Task(
            name="toy",
            requests=np.arange(REQUESTS),
            impressions=REQUESTS,
            batch=self._batch,
            loss=self.model.loss,
            validate=self._validation,
        )

    def run(
        self,
        recipe: Recipe = RECIPE,
        trail: Trail | None = None,
        task: Task | None = None,
        placement: Placement = HERE,
    ) -> list[float]:
        with Progress(disable=True, console=Console(quiet=True)) as progress:
            return fit(
                self.model, task or self.task(), recipe, self.rng, progress, placement, trail
            )

    def _batch(self, rows: I64) -> Batch:
        noise = self.rng.normal(size=(len(rows), 3)).astype(np.float32)
        return Batch({}, TRUTH[rows] + 0.1 * noise, rows, rows, rows)

    def _validation(self) -> float:
        self.at_validation.append(self.model.weights())
        if self.said is not None:
            return next(self.said)
        rows = np.arange(REQUESTS)
        with torch.inference_mode():
            return float(self.model.loss(Batch({}, TRUTH, rows, rows, rows)))


def stopping_after(epoch: int) -> Callable[[Course], None]:
    def stop(course: Course) -> None:
        if course.epoch == epoch:
            raise Stopped

    return stop
