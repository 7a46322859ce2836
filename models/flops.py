"""What a model costs, whatever it has learnt: weights, and operations as torch counts them.

A multiply-add is two. Matrix products and attention are counted; embeddings, activations, softmax
and norms are not.
"""

from collections.abc import Callable

from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def flops_of(run: Callable[[], object]) -> int:
    """Of a backward pass too, where `run` has one."""
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def weights_of(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())
