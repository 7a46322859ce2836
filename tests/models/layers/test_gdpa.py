import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from models.layers.gdpa import GeneralisedAttention

HEADS, TOKENS, WIDTH = 2, 3, 8

Case = tuple[GeneralisedAttention, Tensor, Tensor]


@pytest.fixture
def case() -> Case:
    torch.manual_seed(0)
    layer = GeneralisedAttention(WIDTH, HEADS, TOKENS)
    return layer, 3 * torch.randn(2, 5, WIDTH), 3 * torch.randn(2, TOKENS, WIDTH)


def silu(x: float) -> float:
    return x / (1.0 + math.exp(-x))


def slow(
    layer: GeneralisedAttention, events: Tensor, context: Tensor, weigh: Callable[[float], float]
) -> Tensor:
    """One event, head and token at a time."""
    out, size = torch.zeros_like(events), WIDTH // HEADS
    for request, event, head in product(range(2), range(5), range(HEADS)):
        mine = slice(head * size, (head + 1) * size)
        query = (layer.query.weight @ events[request, event] + layer.query.bias)[mine]
        for token in context[request]:
            key, value = layer.key.weight @ token, layer.value.weight @ token
            score = float(query @ key[mine]) / math.sqrt(size)
            out[request, event, mine] += weigh(score) * value[mine]
    return out


@torch.no_grad()
def test_equals_a_loop_over_events_heads_and_tokens(case: Case) -> None:
    expected = slow(*case, weigh=lambda score: silu(score) / TOKENS)
    torch.testing.assert_close(case[0](*case[1:]), expected)


@torch.no_grad()
def test_scale_before_the_activation_would_be_another_layer(case: Case) -> None:
    other = slow(*case, weigh=lambda score: silu(score / TOKENS))
    assert not torch.allclose(case[0](*case[1:]), other, rtol=0.1, atol=0.1)


@torch.no_grad()
def test_silent_scores_read_nothing(case: Case) -> None:
    """A softmax would read the mean of the values."""
    layer, events, context = case
    layer.key.weight.zero_()
    assert torch.equal(layer(events, context), torch.zeros_like(events))


@torch.no_grad()
def test_more_tokens_that_say_the_same_change_nothing(case: Case) -> None:
    layer, events, context = case
    twice = GeneralisedAttention(WIDTH, HEADS, 2 * TOKENS)
    twice.load_state_dict(layer.state_dict())
    torch.testing.assert_close(
        twice(events, torch.cat([context, context], dim=1)), layer(events, context)
    )


@torch.no_grad()
def test_events_do_not_read_each_other(case: Case) -> None:
    layer, events, context = case
    changed = events.clone()
    changed[:, 0] += 1.0
    torch.testing.assert_close(layer(changed, context)[:, 1:], layer(events, context)[:, 1:])
