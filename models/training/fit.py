"""The training loop: AdamW, one cycle, the best epoch kept, an end when nothing gets better."""

import contextlib
import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from models.examples import Batch
from models.features.records import I64
from models.training.compiling import compile_parts
from models.training.course import Course
from models.training.curve import Curve
from models.training.optimizer import adamw
from models.training.placement import HERE, Placement
from models.training.processes import agreed
from models.training.shared_loss import shared_loss
from models.training.trail import Trail

GRADIENT_NORM = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    epochs: int
    batch_impressions: int
    learning_rate: float
    embedding_decay: float = 0.05
    weight_decay: float = 1e-4
    patience: int = 3  # epochs without a lower validation value before it ends
    most_impressions: int = 1 << 62  # of all epochs together, after the first

    def within(self, impressions: int) -> "Recipe":
        """With as many epochs of so many impressions as the bound allows, one at least: a large
        log is learnt in one pass, and by heart in a second."""
        allowed = max(1, self.most_impressions // max(impressions, 1))
        return replace(self, epochs=min(self.epochs, allowed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What `fit` optimises: batches from rows of requests, their loss, and what picks an epoch."""

    name: str
    requests: I64
    impressions: int  # of all requests together
    batch: Callable[[I64], Batch]
    loss: Callable[[Batch], Tensor]
    validate: Callable[[], float]
    compiled: tuple[nn.Module, ...] = ()  # called as a whole: what torch.compile can take
    has_idle_weights: bool = False  # some that take no part in the loss

    def batch_requests(self, recipe: Recipe, placement: Placement) -> int:
        """Of all processes together, at least one each."""
        size = recipe.batch_impressions * len(self.requests) // max(self.impressions, 1)
        return max(placement.ranks, size)


def fit(
    model: nn.Module,
    task: Task,
    recipe: Recipe,
    rng: np.random.Generator,
    progress: Progress,
    placement: Placement = HERE,
    trail: Trail | None = None,
) -> list[float]:
    """Trains in place and leaves the epoch of the lowest validation value; returns all of them.

    With a trail it goes on where one of the same terms was interrupted, to the same bits.
    """
    if placement.rank:
        torch.manual_seed(torch.initial_seed() + placement.rank)
    model.to(placement.torch_device)
    if placement.compiled:
        compile_parts(task.compiled, placement.torch_device)
    course = _beginning(model, task, recipe, rng, placement)
    if trail:
        trail.resume(course, placement)
    with _curve(trail, course, placement) as curve:
        _Fit(course, task, recipe, placement, trail, curve, progress).run()
    model.load_state_dict(course.best)
    model.to("cpu").eval()
    return course.values


class _Fit:
    def __init__(
        self,
        course: Course,
        task: Task,
        recipe: Recipe,
        placement: Placement,
        trail: Trail | None,
        curve: Curve | None,
        progress: Progress,
    ) -> None:
        self._course, self._task, self._recipe = course, task, recipe
        self._placement, self._trail, self._curve = placement, trail, curve
        self._loss = shared_loss(course.model, task.loss, placement, task.has_idle_weights)
        self._began = time.perf_counter() - course.seconds
        self._progress = progress
        self._bar = progress.add_task(
            task.name, total=course.schedule.total_steps, completed=course.step
        )
        if course.epoch:
            progress.console.print(f"{task.name}: goes on after epoch {course.epoch}")

    def run(self) -> None:
        while not self._course.is_over(self._recipe.epochs, self._recipe.patience):
            self._epoch()
        self._progress.update(self._bar, total=self._course.step)

    def _epoch(self) -> None:
        self._course.model.train()
        for rows in shuffled(self._task, self._recipe, self._course.rng, self._placement):
            self._step(self._task.batch(rows))
        self._course.model.eval()
        self._course.validated(self._validation(), self._seconds())
        self._say()
        if self._trail:
            self._trail.ended_epoch(self._course, self._placement)

    def _step(self, batch: Batch) -> None:
        course = self._course
        with self._placement.learning():
            loss = self._loss(batch)
        course.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(course.model.parameters(), GRADIENT_NORM)
        course.optimizer.step()
        course.stepped(self._seconds())
        self._progress.advance(self._bar)
        if self._curve:
            self._curve.step(course, loss)

    def _validation(self) -> float:
        """The first process's word, so that all keep and stop at the same epoch."""
        value = 0.0
        if self._placement.writes:
            with self._placement.reading():
                value = self._task.validate()
        return float(agreed(torch.tensor(value, dtype=torch.float64), self._placement))

    def _say(self) -> None:
        value = self._course.values[-1]
        self._progress.update(self._bar, description=f"{self._task.name} (validation {value:.4f})")
        if self._curve:
            self._curve.epoch(self._course)

    def _seconds(self) -> float:
        return time.perf_counter() - self._began


def shuffled(
    task: Task, recipe: Recipe, rng: np.random.Generator, placement: Placement = HERE
) -> Iterator[I64]:
    """Batches of a random order, each sorted so that its impressions are read in log order.

    Each of several processes has its share of every batch, so that steps and batches are as many
    and as large as in one; a last batch smaller than their number gives some the same request.
    """
    size = task.batch_requests(recipe, placement)
    order = agreed(torch.from_numpy(rng.permutation(task.requests)), placement).numpy()
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        share = rows[placement.rank :: placement.ranks]
        yield np.sort(share if len(share) else rows[:1])


def _beginning(
    model: nn.Module, task: Task, recipe: Recipe, rng: np.random.Generator, placement: Placement
) -> Course:
    optimizer = adamw(
        model,
        learning_rate=recipe.learning_rate,
        embedding_decay=recipe.embedding_decay,
        weight_decay=recipe.weight_decay,
    )
    steps = recipe.epochs * -(-len(task.requests) // task.batch_requests(recipe, placement))
    schedule = OneCycleLR(optimizer, recipe.learning_rate, steps)
    return Course(model, optimizer, schedule, rng, copy.deepcopy(model.state_dict()))


@contextlib.contextmanager
def _curve(trail: Trail | None, course: Course, placement: Placement) -> Iterator[Curve | None]:
    if trail is None or not placement.writes:
        yield None
        return
    with contextlib.closing(trail.curve(course)) as curve:
        yield curve
