"""Where a model is trained: the device, the precision, and which of how many processes this is."""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

import numpy as np
import torch
from torch import nn

from models.distillation import seeded
from models.training.errors import PlacementRefused
from models.training.following import Following

Device = Literal["cpu", "cuda"]
Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Weights, optimizer and validation are 32-bit floats at either precision."""

    device: Device = "cpu"
    precision: Precision = "fp32"
    compiled: bool = False
    rank: int = 0
    ranks: int = 1

    def checked(self) -> Self:
        """Raises PlacementRefused. bf16 runs on every CPU, if slowly where it is not built in."""
        if self.device == "cpu":
            return self
        found = torch.cuda.device_count()
        if not found:
            raise PlacementRefused(
                f"--device cuda: torch {torch.__version__} sees no GPU here; give --device cpu, or "
                "install torch's CUDA build on a machine that has one"
            )
        if self.ranks > found:
            raise PlacementRefused(f"--devices {self.ranks}: {found} GPUs are here; give {found}")
        if self.precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
            raise PlacementRefused("--precision bf16: this GPU has none; give --precision fp32")
        return self

    @property
    def torch_device(self) -> torch.device:
        return torch.device("cuda", self.rank) if self.device == "cuda" else torch.device("cpu")

    @property
    def writes(self) -> bool:
        """The first process alone validates and touches the run folder."""
        return self.rank == 0

    def terms(self) -> dict[str, Any]:
        """What a result depends on: all but which of the processes says so."""
        return {name: value for name, value in asdict(self).items() if name != "rank"}

    def seeded(self, seed: int) -> np.random.Generator:
        """Seeds torch alike everywhere, for equal weights; hints are drawn by each for itself."""
        first = seeded(seed)
        return first if self.rank == 0 else np.random.default_rng((seed, self.rank))

    def reading(self) -> AbstractContextManager[object]:
        """What is computed in it may mix batches with the model's weights."""
        if self.device == "cpu":
            return contextlib.nullcontext()
        return Following(self.torch_device)

    @contextlib.contextmanager
    def learning(self) -> Iterator[None]:
        """As `reading`, in the placement's precision."""
        is_low = self.precision == "bf16"
        with self.reading(), torch.autocast(self.device, torch.bfloat16, enabled=is_low):
            yield

    @contextlib.contextmanager
    def hosting(self, model: nn.Module) -> Iterator[None]:
        """The model answers from the device in it, and is on the CPU again after it."""
        model.to(self.torch_device)
        try:
            with self.reading():
                yield
        finally:
            model.to("cpu")


HERE: Final = Placement()
