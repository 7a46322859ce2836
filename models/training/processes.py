"""What several processes that train one model tell each other.

Tensors over gloo, never pickled objects; gradients go over NCCL between GPUs.
"""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor

from models.training.placement import Placement

BACKENDS: Final = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}
# Others wait while the first process validates or annotates. One that died ends them all at once,
# whatever this is: the launcher sees to that.
PATIENCE: Final = timedelta(hours=12)


@contextlib.contextmanager
def joined(placement: Placement) -> Iterator[None]:
    """Among the other processes, if there are any; once in a process's life."""
    if placement.ranks == 1 or dist.is_initialized():
        yield
        return
    if placement.device == "cuda":
        torch.cuda.set_device(placement.rank)
    dist.init_process_group(BACKENDS[placement.device], timeout=PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def agreed(value: Tensor, placement: Placement) -> Tensor:
    """The first process's value, everywhere; the others give one of the same shape."""
    if placement.ranks > 1:
        dist.broadcast(value, src=0)
    return value


def gathered(value: Tensor, placement: Placement) -> list[Tensor]:
    """Everybody's value, everywhere."""
    if placement.ranks == 1:
        return [value]
    found = [torch.empty_like(value) for _ in range(placement.ranks)]
    dist.all_gather(found, value)
    return found


def meet(placement: Placement) -> None:
    """Nobody goes on before everybody is here."""
    gathered(torch.zeros(1), placement)
