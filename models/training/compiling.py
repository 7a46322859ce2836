"""torch.compile for the parts of a model that are called as a whole."""

from collections.abc import Iterable
from types import MethodType

import torch
from torch import Tensor, nn

from models.inputs import Inputs
from models.layers.compressed_tokens import CompressedTokens


def compile_parts(parts: Iterable[nn.Module], device: torch.device) -> None:
    """In place, names of weights stay. Batches differ in shape, so the graphs are dynamic."""
    for part in parts:
        for module in part.modules():
            if isinstance(module, CompressedTokens):
                module.forward = MethodType(_mixed, module)  # type: ignore[method-assign]
        part.forward = _Compiled(part, device)


def _mixed(module: CompressedTokens, x_rnd: Tensor) -> Tensor:
    """torch 2.13 traces the product of a matrix and a batch into a view that fits no strides."""
    return torch.bmm(module.mixture_mn.expand(len(x_rnd), -1, -1), x_rnd)


class _Compiled:
    """Steps alone: a validation would be a graph of its own, for a pass that takes less time.

    A batch is moved before the graph, which would break wherever `Following` is asked in it.
    """

    def __init__(self, part: nn.Module, device: torch.device) -> None:
        self._forward = part.forward
        self._graph = torch.compile(part.forward, dynamic=True)
        self._device = device

    def __call__(self, inputs: Inputs) -> object:
        if not torch.is_grad_enabled():
            return self._forward(inputs)
        moved = (None if field is None else field.to(self._device) for field in inputs)
        with torch._C.DisableTorchFunction():
            return self._graph(Inputs._make(moved))
