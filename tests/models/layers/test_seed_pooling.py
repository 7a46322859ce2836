import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as fn

from models.layers.seed_pooling import SeedPooling

HEADS, WIDTH, SEEDS, TOKENS = 2, 6, 5, 3


@pytest.fixture
def case() -> tuple[SeedPooling, Tensor, Tensor]:
    torch.manual_seed(0)
    layer = SeedPooling(WIDTH, HEADS, SEEDS, TOKENS, terms=2)
    live = torch.rand(3, 7) < 0.6
    live[1] = False
    return layer, torch.randn(3, 7, WIDTH), live


def read(layer: SeedPooling, events: Tensor, seed: Tensor) -> Tensor:
    """What one seed reads of one request's live events."""
    query, size = layer.query.weight @ fn.layer_norm(seed, (WIDTH,)), WIDTH // HEADS
    out = torch.zeros(WIDTH)
    for head in range(HEADS):
        mine = slice(head * size, (head + 1) * size)
        keys = [(layer.key.weight @ event)[mine] for event in events]
        weights = [math.exp(float(query[mine] @ key) / math.sqrt(size)) for key in keys]
        for weight, event in zip(weights, events, strict=True):
            out[mine] += weight / (1.0 + sum(weights)) * (layer.value.weight @ event)[mine]
    return out


def slow(layer: SeedPooling, events: Tensor, live: Tensor) -> Tensor:
    pooled = []
    for request in range(len(events)):
        mine = events[request, live[request]]
        h = torch.stack([read(layer, mine, seed) for seed in layer.seeds_md])
        terms = zip(layer.mix.z_kno, layer.mix.w_kdd, strict=True)
        pooled.append(torch.stack([z.T @ h @ w for z, w in terms]).sum(0))
    return torch.stack(pooled)


@torch.no_grad()
def test_equals_a_loop_over_seeds_and_heads(case: tuple[SeedPooling, Tensor, Tensor]) -> None:
    torch.testing.assert_close(case[0](*case[1:]), slow(*case))


@torch.no_grad()
def test_request_without_events_gives_zeros(case: tuple[SeedPooling, Tensor, Tensor]) -> None:
    layer, events, live = case
    assert torch.equal(layer(events, live)[1], torch.zeros(TOKENS, WIDTH))


@torch.no_grad()
def test_padding_changes_nothing(case: tuple[SeedPooling, Tensor, Tensor]) -> None:
    layer, events, live = case
    longer = torch.cat([torch.randn(3, 4, WIDTH), events], dim=1)
    padded = layer(longer, fn.pad(live, (4, 0), value=False))
    torch.testing.assert_close(padded, layer(events, live))


@torch.no_grad()
def test_order_of_events_changes_nothing(case: tuple[SeedPooling, Tensor, Tensor]) -> None:
    layer, events, live = case
    torch.testing.assert_close(layer(events.flip(1), live.flip(1)), layer(events, live))


def test_every_seed_learns(case: tuple[SeedPooling, Tensor, Tensor]) -> None:
    layer, events, live = case
    layer(events, live).square().sum().backward()
    gradient = layer.seeds_md.grad
    assert gradient is not None
    assert float(gradient.abs().amax(dim=1).min()) > 0.0
