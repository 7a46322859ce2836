"""The state of every generator that a fit draws from, as tensors."""

import json
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.training.placement import Placement

NUMPY_BYTES: Final = 512
"""Room for a bit generator's state as JSON, padded with blanks: all processes say as much."""


def captured(rng: np.random.Generator, placement: Placement) -> dict[str, Tensor]:
    state = json.dumps(rng.bit_generator.state).encode().ljust(NUMPY_BYTES)
    found = {
        "numpy": torch.frombuffer(bytearray(state), dtype=torch.uint8),
        "torch": torch.get_rng_state(),
    }
    if placement.device == "cuda":
        found["cuda"] = torch.cuda.get_rng_state(placement.torch_device)
    return found


def restore(states: dict[str, Tensor], rng: np.random.Generator, placement: Placement) -> None:
    rng.bit_generator.state = json.loads(states["numpy"].numpy().tobytes())
    torch.set_rng_state(states["torch"])
    if placement.device == "cuda":
        torch.cuda.set_rng_state(states["cuda"], placement.torch_device)
