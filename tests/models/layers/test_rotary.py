import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models.layers.rotary import position_phase, rotary_frequencies, rotate, time_phase

WIDTH = 8


def pair(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    query, key = torch.randn(2, WIDTH, generator=generator)
    return query, key


def dot(seed: int, query_phase: Tensor, key_phase: Tensor) -> float:
    query, key = pair(seed)
    return float(rotate(query, query_phase) @ rotate(key, key_phase))


def log_time(seconds: float) -> Tensor:
    return time_phase(torch.tensor([[math.log1p(seconds)]]), rotary_frequencies(WIDTH))[0, 0]


def test_frequencies_and_phases_are_the_printed_ones() -> None:
    phase = position_phase(5, WIDTH)
    assert phase.shape == (5, WIDTH // 2)
    for position in range(5):
        for i in range(WIDTH // 2):
            expected = position * 10_000 ** (-2 * i / WIDTH)
            assert float(phase[position, i]) == pytest.approx(expected, rel=1e-6)


def test_rotation_multiplies_complex_numbers() -> None:
    torch.manual_seed(0)
    x, phase = torch.randn(2, 3, 4, WIDTH), torch.randn(2, 1, 4, WIDTH // 2)
    found, half = rotate(x, phase), WIDTH // 2
    for request in range(2):
        for head in range(3):
            for event in range(4):
                row = found[request, head, event]
                for i in range(half):
                    number = complex(x[request, head, event, i], x[request, head, event, i + half])
                    angle = float(phase[request, 0, event, i])
                    turned = number * complex(math.cos(angle), math.sin(angle))
                    assert abs(complex(row[i], row[i + half]) - turned) < 1e-5


def test_position_zero_and_gap_zero_turn_nothing() -> None:
    query, _ = pair(0)
    assert torch.equal(rotate(query, position_phase(1, WIDTH)[0]), query)
    assert torch.equal(rotate(query, log_time(0.0)), query)


@given(st.integers(0, 99), st.integers(0, 30), st.integers(0, 30), st.integers(0, 60))
def test_only_the_difference_of_positions_counts(seed: int, a: int, b: int, shift: int) -> None:
    phase = position_phase(100, WIDTH)
    moved = dot(seed, phase[a + shift], phase[b + shift])
    assert moved == pytest.approx(dot(seed, phase[a], phase[b]), abs=1e-4)


@given(st.integers(0, 99), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1, 1e3))
def test_only_the_ratio_of_times_counts(seed: int, a: float, b: float, stretch: float) -> None:
    later = [(1.0 + seconds) * stretch - 1.0 for seconds in (a, b)]
    moved = dot(seed, log_time(later[0]), log_time(later[1]))
    assert moved == pytest.approx(dot(seed, log_time(a), log_time(b)), abs=1e-3)


@given(st.integers(0, 99), st.floats(-100, 100))
def test_rotation_keeps_the_norm(seed: int, angle: float) -> None:
    query, phase = pair(seed)[0], angle * rotary_frequencies(WIDTH)
    assert float(rotate(query, phase).norm()) == pytest.approx(float(query.norm()), rel=1e-5)
