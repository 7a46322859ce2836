"""Rotary embeddings: each pair of a head's positions turns by an angle, its phase.

RoFormer (arXiv 2104.09864) lets an event's position set the phase; ROTE (Kunlun, arXiv 2602.10016,
section 4.2) lets the time set it. Either way q·k sees the difference of two events' phases only.
R requests, H heads, T events, E width of one head; a phase has E / 2 angles in radians.
"""

from typing import Final

import torch
from torch import Tensor

BASE: Final = 10_000.0


def rotary_frequencies(width_per_head: int) -> Tensor:
    """θ_i = 10000^(−2i / E) → `[E / 2]`, from 1 down: radians a step."""
    return BASE ** (-torch.arange(0, width_per_head, 2) / width_per_head)


def position_phase(length: int, width_per_head: int) -> Tensor:
    """t · θ_i for t = 0, 1, … → `[T, E / 2]`."""
    return torch.arange(length).unsqueeze(-1) * rotary_frequencies(width_per_head)


def time_phase(gap_rt: Tensor, frequencies: Tensor) -> Tensor:
    """gap · θ_i → `[R, T, E / 2]`, for gaps that are log(1 + Δt / t_scale) already.

    The logarithm makes the phase feel ratios: a minute among minutes, a day among days. Gaps then
    span tens of units at most, so the slow half of `rotary_frequencies` hardly turns.
    """
    return gap_rt.unsqueeze(-1) * frequencies


def rotate(x_rhte: Tensor, phase: Tensor) -> Tensor:
    """Turns the pair (x_i, x_(i + E/2)) by `phase[…, i]`; the phase broadcasts over the rest.

    Halves instead of RoFormer's neighbours (x_2i, x_(2i + 1)): the same up to a fixed order of the
    width, which the projections before it learn anyway, and two contiguous slices in the graph.
    """
    first, second = x_rhte.chunk(2, dim=-1)
    cos, sin = phase.cos(), phase.sin()
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)
