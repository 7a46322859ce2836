"""A bottleneck for a teacher that is trained already, on any of its layers.

No gradient of a bottleneck reaches the teacher (models.layers.matryoshka), so a second one takes
nothing from it: the logits stay what they were. Trained as the teacher's own is settled.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from models import settled_bottleneck as own
from models.features.records import F32
from models.layers.matryoshka import Matryoshka
from models.training.placement import HERE

STEPS: Final = own.STEPS


def fitted(activation: NDArray[np.float16], prefixes: tuple[int, ...], seed: int) -> Matryoshka:
    """`[n, W]` → z as wide as the last of the prefixes."""
    rng = HERE.seeded(seed)
    layer = Matryoshka(activation.shape[1], prefixes[-1], prefixes)
    optimizer = AdamW(layer.parameters(), own.LEARNING_RATE)
    schedule = CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        rows = rng.integers(0, len(activation), own.BATCH)
        batch = torch.from_numpy(activation[rows]).float()
        optimizer.zero_grad(set_to_none=True)
        layer.loss(batch, layer(batch)).backward()
        optimizer.step()
        schedule.step()
    return layer.eval()


def z_of(layer: Matryoshka, activation: NDArray[np.float16]) -> F32:
    """`[E, d]`"""
    with torch.inference_mode():
        z: F32 = layer(torch.from_numpy(activation).float()).numpy()
    return z
