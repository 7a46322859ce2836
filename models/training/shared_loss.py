"""One loss of several processes: each reads its share of a batch, and all take the same step."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from models.examples import Batch
from models.training.placement import Placement


def shared_loss(
    model: nn.Module, loss: Callable[[Batch], Tensor], placement: Placement, has_idle_weights: bool
) -> Callable[[Batch], Tensor]:
    """The loss whose gradients are the mean over all processes.

    DDP has to look for idle weights at every step, and ends the fit at the second one without it.
    """
    if placement.ranks == 1:
        return loss
    return DistributedDataParallel(_Loss(model, loss), find_unused_parameters=has_idle_weights)


class _Loss(nn.Module):
    """A model behind one forward, which is where DDP listens."""

    def __init__(self, model: nn.Module, loss: Callable[[Batch], Tensor]) -> None:
        super().__init__()
        self.model = model
        self._loss = loss

    def forward(self, batch: Batch) -> Tensor:
        return self._loss(batch)
