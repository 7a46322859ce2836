import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as fn

from models.layers.pooled_attention import PooledAttention

REQUESTS, EVENTS, WIDTH, HEADS, TOKENS = 3, 5, 8, 2, 3
PER_HEAD = WIDTH // HEADS


@pytest.fixture
def layer() -> PooledAttention:
    torch.manual_seed(0)
    return PooledAttention(WIDTH, HEADS, TOKENS)


def settled(layer: PooledAttention, query: Tensor, read: Tensor) -> Tensor:
    """What follows the attention, for one query of one request."""
    first = fn.layer_norm(query + layer.project_out.weight @ read, [WIDTH])
    fed = layer.feed_forward.weight @ first + layer.feed_forward.bias
    return fn.layer_norm(first + fed.clamp(min=0.0), [WIDTH])


def slow_token(layer: PooledAttention, events: list[Tensor], query: Tensor) -> Tensor:
    """One query over the live events of one request."""
    key_weight, value_weight = layer.project_event.weight.split(WIDTH)
    read = torch.zeros(WIDTH)
    for head in range(HEADS):
        place = slice(head * PER_HEAD, (head + 1) * PER_HEAD)
        asked = layer.project_query.weight[place] @ query
        scores = [float(asked @ (key_weight[place] @ event)) for event in events]
        odds = [math.exp(score / math.sqrt(PER_HEAD)) for score in scores]
        for weight, event in zip(odds, events, strict=True):
            read[place] += weight / (1.0 + sum(odds)) * (value_weight[place] @ event)
    return settled(layer, query, read)


@torch.no_grad()
def test_pooling_equals_a_loop_over_events(
    layer: PooledAttention, events: Tensor, live: Tensor
) -> None:
    found = layer(events, live)
    assert found.shape == (REQUESTS, TOKENS, WIDTH)
    for request in range(REQUESTS):
        alive = [events[request, event] for event in range(EVENTS) if live[request, event]]
        for token in range(TOKENS):
            expected = slow_token(layer, alive, layer.queries_md[token])
            torch.testing.assert_close(found[request, token], expected)


@torch.no_grad()
def test_request_without_events_is_the_queries_alone(
    layer: PooledAttention, events: Tensor, live: Tensor
) -> None:
    found = layer(events, live)[2]
    for token, query in enumerate(layer.queries_md):
        torch.testing.assert_close(found[token], settled(layer, query, torch.zeros(WIDTH)))


def test_dead_events_change_nothing(layer: PooledAttention, events: Tensor, live: Tensor) -> None:
    other = torch.where(live.unsqueeze(-1), events, 1e3)
    assert torch.equal(layer(other, live), layer(events, live))


def test_padding_changes_nothing(layer: PooledAttention, events: Tensor, live: Tensor) -> None:
    longer = fn.pad(events, (0, 0, 2, 3), value=7.0)
    torch.testing.assert_close(layer(longer, fn.pad(live, (2, 3))), layer(events, live))


def test_order_of_events_does_not_matter(
    layer: PooledAttention, events: Tensor, live: Tensor
) -> None:
    order = torch.randperm(EVENTS)
    torch.testing.assert_close(layer(events[:, order], live[:, order]), layer(events, live))


def test_one_event_moves_the_summary(layer: PooledAttention, events: Tensor, live: Tensor) -> None:
    first = torch.zeros_like(live)
    first[:, 0] = True
    assert not torch.allclose(layer(events, first), layer(events, torch.zeros_like(live)))


def test_request_without_events_gives_finite_gradients(
    layer: PooledAttention, events: Tensor, live: Tensor
) -> None:
    layer(events, live).square().sum().backward()
    gradients = [weight.grad for weight in layer.parameters()]
    assert all(grad is not None and bool(grad.isfinite().all()) for grad in gradients)
