import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as fn

from models.layers.interaction import CrossInteraction, DhenInteraction, DotInteraction

BATCH, TOKENS, WIDTH, RANK = 3, 4, 5, 2


@pytest.fixture
def x() -> Tensor:
    return torch.randn(BATCH, TOKENS, WIDTH, generator=torch.Generator().manual_seed(0))


def slow_dot(layer: DotInteraction, x: Tensor) -> Tensor:
    """One row, `[n, d]` → `[m, d]`."""
    products = []
    for first in range(len(x)):
        for second in range(first + 1, len(x)):
            product = sum(float(a * b) for a, b in zip(x[first], x[second], strict=True))
            products.append(product / math.sqrt(x.shape[1]))
    return (layer.expand.weight @ torch.tensor(products) + layer.expand.bias).reshape(-1, WIDTH)


def slow_cross(layer: CrossInteraction, x: Tensor) -> Tensor:
    """One row, `[n, d]` → `[m, d]`."""
    flat = torch.cat(list(x))
    low = [float(weights @ flat) for weights in layer.cross.down.weight]
    high = layer.cross.up.weight @ torch.tensor(low) + layer.cross.up.bias
    crossed = (flat * high + flat).reshape(x.shape)
    rows = [
        torch.stack([weights[token] * crossed[token] for token in range(len(x))]).sum(0)
        for weights in layer.compress.mixture_mn
    ]
    return torch.stack(rows)


@torch.no_grad()
def test_dot_interaction_equals_a_loop_over_pairs(x: Tensor) -> None:
    torch.manual_seed(0)
    layer = DotInteraction(TOKENS, WIDTH, 3)
    torch.testing.assert_close(layer(x), torch.stack([slow_dot(layer, row) for row in x]))


def test_dot_interaction_sees_each_pair_once() -> None:
    assert DotInteraction(6, WIDTH, 2).expand.in_features == 6 * 5 // 2


@torch.no_grad()
def test_dot_interaction_does_not_see_a_common_rotation(x: Tensor) -> None:
    layer, turn = DotInteraction(TOKENS, WIDTH, 3), torch.linalg.qr(torch.randn(WIDTH, WIDTH)).Q
    torch.testing.assert_close(layer(x @ turn), layer(x), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_cross_interaction_equals_the_printed_equation(x: Tensor) -> None:
    torch.manual_seed(0)
    layer = CrossInteraction(TOKENS, WIDTH, 3, RANK)
    layer.cross.up.weight.normal_()
    torch.testing.assert_close(layer(x), torch.stack([slow_cross(layer, row) for row in x]))


@torch.no_grad()
@pytest.mark.parametrize("tokens_out", [2, TOKENS, 6])
def test_ensemble_is_the_mean_beside_a_shortcut(x: Tensor, tokens_out: int) -> None:
    torch.manual_seed(0)
    layer = DhenInteraction(TOKENS, WIDTH, tokens_out, RANK)
    found = layer(x)
    assert found.shape == (BATCH, tokens_out, WIDTH)
    for row, outcome in zip(x, found, strict=True):
        mean = (slow_dot(layer.dot, row) + slow_cross(layer.cross, row)) / 2
        kept = row if tokens_out == TOKENS else layer.shortcut.mixture_mn @ row
        torch.testing.assert_close(outcome, fn.layer_norm(mean + kept, [WIDTH]))


@torch.no_grad()
def test_rows_of_a_batch_do_not_meet(x: Tensor) -> None:
    layer = DhenInteraction(TOKENS, WIDTH, 2, RANK)
    torch.testing.assert_close(layer(x[1:2]), layer(x)[1:2])


def test_pairs_are_no_weight_of_the_checkpoint() -> None:
    assert set(DotInteraction(TOKENS, WIDTH, 3).state_dict()) == {"expand.weight", "expand.bias"}
