import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as fn

from models.layers.rotary import position_phase, rotate
from models.layers.window_attention import WindowAttention

HEADS, WIDTH = 2, 8
SIZE = WIDTH // HEADS
SHAPES = [(1, 1), (2, 5), (5, 4), (6, 2), (7, 2), (8, 2), (9, 2), (10, 1), (13, 3), (4, 1)]


def made(length: int, window: int) -> tuple[WindowAttention, Tensor, Tensor]:
    torch.manual_seed(length)
    layer = WindowAttention(WIDTH, HEADS, length, window)
    live = torch.rand(3, length) < 0.7
    live[1] = False
    return layer, torch.randn(3, length, WIDTH), live


def turned(vector: Tensor, phase: Tensor) -> Tensor:
    return rotate(vector.reshape(1, 1, 1, SIZE), phase).reshape(SIZE)


def read(query: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
    weights = [math.exp(float(query @ key) / math.sqrt(SIZE)) for key in keys]
    out = torch.zeros(SIZE)
    for weight, value in zip(weights, values, strict=True):
        out += weight / sum(weights) * value
    return out


def slow(
    layer: WindowAttention, events: Tensor, live: Tensor, window: int, phase: Tensor
) -> Tensor:
    """Every live query, head by head, against every event in its band."""
    out = torch.zeros_like(events)
    query, key, value = layer.project_in.weight.chunk(3)
    for request, at in live.nonzero().tolist():
        near = [t for t in live[request].nonzero().flatten().tolist() if abs(t - at) <= window]
        found = []
        for head in range(HEADS):
            q, k, v = (part[head * SIZE : (head + 1) * SIZE] for part in (query, key, value))
            keys = [turned(k @ events[request, t], phase[t]) for t in near]
            values = [v @ events[request, t] for t in near]
            found.append(read(turned(q @ events[request, at], phase[at]), keys, values))
        out[request, at] = layer.project_out.weight @ torch.cat(found)
    return out


@pytest.mark.parametrize(("length", "window"), SHAPES)
@torch.no_grad()
def test_equals_a_dense_loop_over_the_band(length: int, window: int) -> None:
    layer, events, live = made(length, window)
    phase = position_phase(length, SIZE)
    found = layer(events, live, phase)
    torch.testing.assert_close(found, slow(layer, events, live, window, phase))


@settings(max_examples=30, deadline=None)
@given(length=st.integers(1, 9), beyond=st.integers(0, 4))
@torch.no_grad()
def test_window_as_long_as_the_events_is_full_attention(length: int, beyond: int) -> None:
    layer, events, live = made(length, length + beyond)
    parts = layer.project_in(events).chunk(3, dim=-1)
    query, key, value = (part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in parts)
    full = fn.scaled_dot_product_attention(query, key, value, attn_mask=live[:, None, None])
    expected = layer.project_out(full.transpose(1, 2).flatten(2))
    torch.testing.assert_close(layer(events, live)[live], expected[live])


@settings(max_examples=30, deadline=None)
@given(length=st.integers(1, 20), window=st.integers(1, 4), data=st.data())
@torch.no_grad()
def test_event_is_read_within_its_window_only(
    length: int, window: int, data: st.DataObject
) -> None:
    layer, events, _ = made(length, window)
    live = torch.ones(3, length, dtype=torch.bool)
    at = data.draw(st.integers(0, length - 1))
    changed = events.clone()
    changed[:, at] += 1.0
    moved = (layer(changed, live) - layer(events, live)).abs().amax(dim=(0, 2)) > 1e-5
    assert moved.tolist() == [abs(t - at) <= window for t in range(length)]


@pytest.mark.parametrize(("length", "window"), SHAPES)
@torch.no_grad()
def test_dead_events_change_nothing_and_give_zeros(length: int, window: int) -> None:
    layer, events, live = made(length, window)
    found = layer(events, live)
    torch.testing.assert_close(layer(torch.where(live[..., None], events, 9.0), live), found)
    assert torch.equal(found[~live], torch.zeros_like(found[~live]))


@torch.no_grad()
def test_padding_in_front_changes_nothing() -> None:
    layer, events, live = made(13, 3)
    longer = WindowAttention(WIDTH, HEADS, length=18, window=3)
    longer.load_state_dict(layer.state_dict())
    padded = longer(fn.pad(events, (0, 0, 5, 0), value=9.0), fn.pad(live, (5, 0), value=False))
    torch.testing.assert_close(padded[:, 5:], layer(events, live))


@torch.no_grad()
def test_only_differences_of_phase_matter() -> None:
    layer, events, live = made(9, 2)
    phase = position_phase(9, SIZE)
    later = (phase + 0.7).expand(3, 9, SIZE // 2)
    torch.testing.assert_close(layer(events, live, later), layer(events, live, phase))
    assert not torch.allclose(layer(events, live), layer(events, live, phase))


@pytest.mark.parametrize("length", [100, 1000])
def test_scores_grow_with_the_length_and_not_with_its_square(length: int) -> None:
    layer = WindowAttention(WIDTH, HEADS, length, window=10)
    assert layer.blocks * layer.band_qk.numel() == length * 30
