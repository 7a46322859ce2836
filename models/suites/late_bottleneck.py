"""A bottleneck for a teacher that is trained already, on any of its layers.

No gradient of a bottleneck reaches the teacher (models.layers.matryoshka), so a second one takes
nothing from it: the logits stay what they were.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from models.features.records import F32
from models.layers.matryoshka import Matryoshka
from models.settled_bottleneck import fit_bottleneck
from models.training.placement import HERE


def fitted(activation: NDArray[np.float16], prefixes: tuple[int, ...], seed: int) -> Matryoshka:
    """`[n, W]` → z as wide as the last of the prefixes, trained as the teacher's own is settled."""
    HERE.seeded(seed)
    layer = Matryoshka(activation.shape[1], prefixes[-1], prefixes)
    fit_bottleneck(layer, torch.from_numpy(activation).float(), seed)
    return layer.eval()


def z_of(layer: Matryoshka, activation: NDArray[np.float16]) -> F32:
    """`[E, d]`"""
    with torch.inference_mode():
        z: F32 = layer(torch.from_numpy(activation).float()).numpy()
    return z
