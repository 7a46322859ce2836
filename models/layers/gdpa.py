"""Generalised dot-product attention: events read the context through an activation, not a softmax.

Kunlun (arXiv 2602.10016) rewrites InterFormer's personalised projection of the events as
attention from T events to a handful of context tokens, for each of H heads:

    O = silu(Q Kᵀ / √E) · (1 / m) · V,   Q = W_q S + b,   K = W_1 X_sum,   V = W_2 X_sum

R requests, T events, m context tokens, d width, H heads of width E = d / H.
"""

import math

from torch import Tensor, nn
from torch.nn import functional as fn

from models.layers.self_attention import merge_heads, split_heads


class GeneralisedAttention(nn.Module):
    """The heads side by side: no projection after them, no residual around them.

    The last scale follows the activation, as in Meta's kernels (github.com/facebookresearch/
    ads_model_kernel_library, gdpa): silu is not homogeneous, so silu(q·k) / m ≠ silu(q·k / m). It
    is 1 / m, the mean of what the context tokens say. The paper divides by the longest sequence
    instead, which would start the block at a thousandth of its input.
    """

    def __init__(self, width: int, heads: int, tokens: int) -> None:
        super().__init__()
        self.heads = heads
        self.score_scale = 1.0 / math.sqrt(width // heads)
        self.read_scale = 1.0 / tokens
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)

    def forward(self, s_rtd: Tensor, x_sum_rmd: Tensor) -> Tensor:
        """`[R, T, d]`, `[R, m, d]` → `[R, T, d]`; an event reads nothing of the other events."""
        q_rhte = split_heads(self.query(s_rtd), self.heads)
        k_rhme = split_heads(self.key(x_sum_rmd), self.heads)
        v_rhme = split_heads(self.value(x_sum_rmd), self.heads)
        weights_rhtm = fn.silu(q_rhte @ k_rhme.transpose(2, 3) * self.score_scale)
        return merge_heads(weights_rhtm * self.read_scale @ v_rhme)
