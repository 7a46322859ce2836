"""Batches follow a model to its device: features are numpy arrays, and so begin on the CPU."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only


class Following(TorchFunctionMode):
    """Inside it, a tensor on another device is read from `device`; `.numpy()` brings answers back.

    Learners, `predict` and `annotate` are thus the same code on a GPU. It has no memory of what it
    moved, so that torch.compile can look through it.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self._device = device

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is Tensor.numpy:
            return args[0].cpu().numpy()
        args, kwargs = tree_map_only(Tensor, self._there, (args, kwargs or {}))
        return func(*args, **kwargs)

    def _there(self, tensor: Tensor) -> Tensor:
        return tensor if tensor.device == self._device else tensor.to(self._device)
