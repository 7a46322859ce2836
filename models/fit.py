"""The training loop: AdamW, one cycle, the best epoch kept."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor, nn

from models.examples import Batch
from models.features.records import I64

GRADIENT_NORM = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    epochs: int
    batch_impressions: int
    learning_rate: float
    embedding_decay: float = 0.05
    weight_decay: float = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What `fit` optimises: batches from rows of requests, their loss, and what picks an epoch."""

    name: str
    requests: I64
    impressions: int  # of all requests together
    batch: Callable[[I64], Batch]
    loss: Callable[[Batch], Tensor]
    validate: Callable[[], float]


def fit(
    model: nn.Module, task: Task, recipe: Recipe, rng: np.random.Generator, progress: Progress
) -> list[float]:
    """Trains in place and leaves the epoch of the lowest validation value; returns all of them."""
    size = max(1, recipe.batch_impressions * len(task.requests) // max(task.impressions, 1))
    steps = recipe.epochs * -(-len(task.requests) // size)
    optimizer = torch.optim.AdamW(_groups(model, recipe), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, steps)
    bar = progress.add_task(task.name, total=steps)
    best, values = copy.deepcopy(model.state_dict()), list[float]()
    for _ in range(recipe.epochs):
        model.train()
        for rows in shuffled(task.requests, size, rng):
            _step(model, task.loss(task.batch(rows)), optimizer)
            schedule.step()
            progress.advance(bar)
        model.eval()
        values.append(task.validate())
        progress.update(bar, description=f"{task.name} (validation {values[-1]:.4f})")
        if values[-1] == min(values):
            best = copy.deepcopy(model.state_dict())
    model.load_state_dict(best)
    model.eval()
    return values


def shuffled(requests: I64, size: int, rng: np.random.Generator) -> Iterator[I64]:
    """Batches of a random order, each sorted so that its impressions are read in log order."""
    order = rng.permutation(requests)
    for start in range(0, len(order), size):
        yield np.sort(order[start : start + size])


def _step(model: nn.Module, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM)
    optimizer.step()


def _groups(model: nn.Module, recipe: Recipe) -> list[dict[str, object]]:
    """Identity embeddings overfit first, so they decay more than the rest."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    embeddings = [weight for weight in model.parameters() if id(weight) in tables]
    others = [weight for weight in model.parameters() if id(weight) not in tables]
    rate = recipe.learning_rate
    return [
        {"params": embeddings, "lr": rate, "weight_decay": recipe.embedding_decay},
        {"params": others, "lr": rate, "weight_decay": recipe.weight_decay},
    ]
