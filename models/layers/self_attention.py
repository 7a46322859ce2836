"""Multihead self attention over a request's events, InterFormer's sequence arch (arXiv 2411.09852).

R requests, T events, d width, H heads of width E = d / H.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.layers.rotary import rotate
from models.layers.target_attention import DEAD


class SelfAttention(nn.Module):
    """softmax(rot(q)·rot(k) / √E) over the live events, then a projection; no residual inside.

    No projection has a bias, so a request without a live event gives zeros. The row of a dead
    event beside live ones is finite and means nothing.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project_in = nn.Linear(width, 3 * width, bias=False)
        self.project_out = nn.Linear(width, width, bias=False)

    def forward(self, s_rtd: Tensor, live_rt: Tensor, phase: Tensor) -> Tensor:
        """`[R, T, d]` → `[R, T, d]`; a phase of models.layers.rotary, `[T, E/2]` or `[R, T, E/2]`.

        Dead events are zeroed at the door: where all are dead the softmax is over them, and then
        it reads zeros.
        """
        s_rtd = torch.where(live_rt.unsqueeze(-1), s_rtd, 0.0)
        projected_rtd3: Tensor = self.project_in(s_rtd)
        heads_rhte = split_heads(projected_rtd3, 3 * self.heads)
        turning, value = heads_rhte.split([2 * self.heads, self.heads], dim=-3)
        query, key = rotate(turning, phase.unsqueeze(-3)).chunk(2, dim=-3)
        read = attention(query, key, value, live_rt)
        return self.project_out(merge_heads(read))  # type: ignore[no-any-return]


def attention(query: Tensor, key_rhte: Tensor, value_rhte: Tensor, live_rt: Tensor) -> Tensor:
    """`[…, H, M, E]` of queries read the live events → `[R, H, M, E]`."""
    dead_rt = torch.where(live_rt, 0.0, DEAD)
    query = query.expand(*key_rhte.shape[:2], *query.shape[-2:])
    return fn.scaled_dot_product_attention(
        query, key_rhte, value_rhte, dead_rt.unsqueeze(1).unsqueeze(1)
    )


def split_heads(x: Tensor, heads: int) -> Tensor:
    """`[…, T, d]` → `[…, H, T, E]`."""
    apart: Tensor = x.unflatten(-1, (heads, -1))
    return apart.transpose(-3, -2)


def merge_heads(x: Tensor) -> Tensor:
    """`[…, H, T, E]` → `[…, T, d]`."""
    return x.transpose(-3, -2).flatten(-2)
