import pytest
import torch
from torch import Tensor

REQUESTS, EVENTS, WIDTH = 3, 5, 8


@pytest.fixture
def events() -> Tensor:
    """`[R, T, d]` of a layer of width 8."""
    return torch.randn(REQUESTS, EVENTS, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def live() -> Tensor:
    """Some events of the first request, all of the second, none of the third."""
    return torch.tensor([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], dtype=torch.bool)
