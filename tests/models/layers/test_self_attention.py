import math

import pytest
import torch
from torch import Tensor

from models.layers.rotary import position_phase, rotary_frequencies, rotate, time_phase
from models.layers.self_attention import SelfAttention

REQUESTS, EVENTS, WIDTH, HEADS = 3, 5, 8, 2
PER_HEAD = WIDTH // HEADS


@pytest.fixture
def layer() -> SelfAttention:
    torch.manual_seed(0)
    return SelfAttention(WIDTH, HEADS)


def slow_row(
    layer: SelfAttention, events: Tensor, live: list[int], at: int, phase: Tensor
) -> Tensor:
    """Event `at` of one request, `[T, d]` and `[T, E/2]`."""
    weights, read = layer.project_in.weight.split(WIDTH), torch.zeros(WIDTH)
    for head in range(HEADS):
        place = slice(head * PER_HEAD, (head + 1) * PER_HEAD)
        query = rotate(weights[0][place] @ events[at], phase[at])
        keys = [rotate(weights[1][place] @ events[event], phase[event]) for event in live]
        values = [weights[2][place] @ events[event] for event in live]
        odds = [math.exp(float(query @ key) / math.sqrt(PER_HEAD)) for key in keys]
        for weight, value in zip(odds, values, strict=True):
            read[place] += weight / sum(odds) * value
    return layer.project_out.weight @ read


@torch.no_grad()
def test_attention_equals_a_loop_over_events(
    layer: SelfAttention, events: Tensor, live: Tensor
) -> None:
    phase = time_phase(torch.rand(REQUESTS, EVENTS) * 9, rotary_frequencies(PER_HEAD))
    found = layer(events, live, phase)
    assert found.shape == events.shape
    for request in range(REQUESTS):
        alive = [event for event in range(EVENTS) if live[request, event]]
        for event in alive:
            expected = slow_row(layer, events[request], alive, event, phase[request])
            torch.testing.assert_close(found[request, event], expected)


def test_phase_without_a_batch_is_every_requests_phase(
    layer: SelfAttention, events: Tensor, live: Tensor
) -> None:
    phase = position_phase(EVENTS, PER_HEAD)
    alike = phase.expand(REQUESTS, -1, -1)
    torch.testing.assert_close(layer(events, live, phase), layer(events, live, alike))


def test_dead_events_change_nothing_for_live_ones(
    layer: SelfAttention, events: Tensor, live: Tensor
) -> None:
    phase = position_phase(EVENTS, PER_HEAD)
    other = torch.where(live.unsqueeze(-1), events, 1e6)
    torch.testing.assert_close(layer(other, live, phase), layer(events, live, phase))


def test_padding_changes_nothing(layer: SelfAttention, events: Tensor) -> None:
    live = torch.ones(REQUESTS, EVENTS, dtype=torch.bool)
    live[:, 3:] = False
    phase = position_phase(EVENTS, PER_HEAD)
    short = layer(events[:, :3], live[:, :3], phase[:3])
    torch.testing.assert_close(layer(events, live, phase)[:, :3], short)


def test_request_without_events_gives_zeros(
    layer: SelfAttention, events: Tensor, live: Tensor
) -> None:
    found = layer(events, live, position_phase(EVENTS, PER_HEAD))
    assert torch.equal(found[2], torch.zeros(EVENTS, WIDTH))
    assert bool(found.isfinite().all())


def test_request_without_events_gives_finite_gradients(
    layer: SelfAttention, events: Tensor, live: Tensor
) -> None:
    layer(events, live, position_phase(EVENTS, PER_HEAD)).square().sum().backward()
    gradients = [weight.grad for weight in layer.parameters()]
    assert all(grad is not None and bool(grad.isfinite().all()) for grad in gradients)


def test_order_matters_only_through_the_phase(layer: SelfAttention, events: Tensor) -> None:
    live, order = torch.ones(REQUESTS, EVENTS, dtype=torch.bool), torch.randperm(EVENTS)
    phase = position_phase(EVENTS, PER_HEAD)
    straight = layer(events, live, phase)[:, order]
    torch.testing.assert_close(layer(events[:, order], live, phase[order]), straight)
    assert not torch.allclose(
        layer(events.flip(1), live, phase).flip(1), layer(events, live, phase)
    )
