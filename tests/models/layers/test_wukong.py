import pytest
import torch
from torch import Tensor

from models.layers.compressed_tokens import CompressedTokens
from models.layers.wukong import Wukong, WukongExperts


def normed(vector: Tensor) -> Tensor:
    centred = vector - vector.mean()
    return centred / torch.sqrt((centred * centred).mean() + 1e-5)


def slow(layer: Wukong, x: Tensor) -> Tensor:
    """One request `[n, d]`: dot products of all pairs of tokens, then token by token."""
    tokens, rank = layer.y_nk.shape
    pairs = torch.zeros(tokens, rank)
    for i in range(tokens):
        for j in range(tokens):
            pairs[i] += float(x[i] @ x[j]) * layer.y_nk[j]
    hidden = layer.interact[1](normed(pairs.flatten())).relu()
    new = [*layer.interact[3](hidden).reshape(-1, x.shape[1])]
    new += [row @ x for row in layer.compress.mixture_mn]
    kept = [*x]
    if isinstance(layer.shortcut, CompressedTokens):
        kept = [row @ x for row in layer.shortcut.mixture_mn]
    return torch.stack([normed(one + other) for one, other in zip(new, kept, strict=True)])


@pytest.mark.parametrize(("tokens", "tokens_out"), [(5, 5), (5, 4), (3, 7), (2, 1), (1, 1)])
@torch.no_grad()
def test_equals_a_loop_over_pairs_of_tokens(tokens: int, tokens_out: int) -> None:
    torch.manual_seed(0)
    layer, x = Wukong(tokens, 6, tokens_out, rank=2), torch.randn(3, tokens, 6)
    expected = torch.stack([slow(layer, one) for one in x])
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("tokens", "tokens_out", "experts", "parts", "outs"),
    [
        (7, 5, 3, [3, 2, 2], [2, 2, 1]),
        (6, 6, 2, [3, 3], [3, 3]),
        (4, 9, 4, [1, 1, 1, 1], [3, 2, 2, 2]),
    ],
)
@torch.no_grad()
def test_every_expert_has_its_own_contiguous_tokens(
    tokens: int, tokens_out: int, experts: int, parts: list[int], outs: list[int]
) -> None:
    torch.manual_seed(0)
    layer = WukongExperts(tokens, 6, tokens_out, rank=2, experts=experts)
    x = torch.randn(3, tokens, 6)
    found, first_in, first_out = layer(x), 0, 0
    for expert, part, out in zip(layer.experts, parts, outs, strict=True):
        expected = expert(x[:, first_in : first_in + part])
        torch.testing.assert_close(found[:, first_out : first_out + out], expected)
        first_in, first_out = first_in + part, first_out + out
    assert found.shape == (3, tokens_out, 6)


@torch.no_grad()
def test_expert_sees_no_other_experts_tokens() -> None:
    torch.manual_seed(0)
    layer, x = WukongExperts(6, 4, 6, rank=2, experts=3), torch.randn(2, 6, 4)
    changed = x.clone()
    changed[:, 0] += 1.0
    torch.testing.assert_close(layer(changed)[:, 2:], layer(x)[:, 2:])


@torch.no_grad()
def test_one_expert_is_wukong() -> None:
    torch.manual_seed(0)
    layer, x = WukongExperts(5, 4, 3, rank=2, experts=1), torch.randn(2, 5, 4)
    assert torch.equal(layer(x), layer.experts[0](x))


@torch.no_grad()
def test_tokens_of_zeros_are_finite() -> None:
    found = WukongExperts(6, 4, 4, rank=2, experts=2)(torch.zeros(2, 6, 4))
    assert bool(found.isfinite().all())
