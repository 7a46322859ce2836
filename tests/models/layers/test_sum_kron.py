import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.layers.sum_kron import SumKronLinear

SIZES = st.integers(1, 5)


@settings(max_examples=40, deadline=None)
@given(tokens_in=SIZES, tokens_out=SIZES, width=SIZES, terms=SIZES)
@torch.no_grad()
def test_equals_the_dense_sum_of_kronecker_products(
    tokens_in: int, tokens_out: int, width: int, terms: int
) -> None:
    torch.manual_seed(0)
    layer = SumKronLinear(tokens_in, tokens_out, width, terms)
    x = torch.randn(3, tokens_in, width)
    dense = torch.zeros(tokens_out * width, tokens_in * width)
    for z, w in zip(layer.z_kno, layer.w_kdd, strict=True):
        dense += torch.from_numpy(np.kron(z.T.numpy(), w.T.numpy()))
    expected = torch.stack([(dense @ one.reshape(-1)).reshape(tokens_out, width) for one in x])
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_equals_the_printed_sum() -> None:
    torch.manual_seed(0)
    layer, x = SumKronLinear(6, 4, 3, terms=2), torch.randn(2, 6, 3)
    for request in range(2):
        expected = torch.zeros(4, 3)
        for z, w in zip(layer.z_kno, layer.w_kdd, strict=True):
            expected += z.T @ x[request] @ w
        torch.testing.assert_close(layer(x)[request], expected)


def test_parameters_follow_the_formula() -> None:
    layer = SumKronLinear(12, 5, 7, terms=3)
    assert sum(each.numel() for each in layer.parameters()) == 3 * (12 * 5 + 7 * 7)


@pytest.mark.parametrize("terms", [1, 8])
@torch.no_grad()
def test_unit_variance_in_is_unit_variance_out(terms: int) -> None:
    torch.manual_seed(0)
    y = SumKronLinear(64, 16, 32, terms)(torch.randn(200, 64, 32))
    assert 0.8 < float(y.std()) < 1.25


@torch.no_grad()
def test_zeros_stay_zeros() -> None:
    assert torch.equal(SumKronLinear(4, 2, 3, terms=2)(torch.zeros(1, 4, 3)), torch.zeros(1, 2, 3))
