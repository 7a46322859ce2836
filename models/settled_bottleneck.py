"""z after its teacher has stopped moving.

While a teacher trains, its autoencoder runs after an activation that changes with every step, and
ends with few directions in use (an effective rank of 3 of 32 on the ad world, 9 when settled). No
gradient of it reaches the teacher, so a few passes on the finished activation change z alone.

N rows, W width of the activation.
"""

from typing import Final

import torch
from rich.progress import Progress
from torch import Tensor

from models.examples import Examples
from models.features.records import I64
from models.inputs import Inputs
from models.layers.matryoshka import Matryoshka
from models.predict import chunked
from models.teacher import Teacher

MOST_REQUESTS: Final = 4000
STEPS: Final = 1500
BATCH: Final = 1024
LEARNING_RATE: Final = 3e-3
SILENT: Final = Progress(disable=True)


def settle(
    teacher: Teacher, examples: Examples, requests: I64, seed: int, progress: Progress
) -> None:
    """Trains the autoencoder alone, in place, on the newest of the teacher's own requests."""
    activation = _activations(teacher, examples, requests[-MOST_REQUESTS:])
    if len(activation):
        fit_bottleneck(teacher.bottleneck, activation, seed, progress)


def _activations(teacher: Teacher, examples: Examples, requests: I64) -> Tensor:
    """`[N, W]`"""
    teacher.eval()
    parts = []
    with torch.no_grad():
        for rows in chunked(requests):
            parts.append(teacher(Inputs.of(examples.batch(rows).arrays)).activation)
    return torch.cat(parts) if parts else torch.zeros(0, teacher.first.out_features)


def fit_bottleneck(
    bottleneck: Matryoshka, activation: Tensor, seed: int, progress: Progress = SILENT
) -> None:
    """On a finished activation `[N, W]`, in place."""
    chance = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(bottleneck.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    bar = progress.add_task("settle z", total=STEPS)
    for _ in range(STEPS):
        chosen = activation[torch.randint(len(activation), (BATCH,), generator=chance)]
        loss = bottleneck.loss(chosen, bottleneck(chosen))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress.advance(bar)
