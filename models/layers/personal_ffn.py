"""Personalised feed-forward (PFFN) of InterFormer (arXiv 2411.09852): the request sets the weights.

R requests, T events, m tokens of the request's summary, d width.
"""

import math

import torch
from torch import Tensor, nn


class PersonalFeedForward(nn.Module):
    """s W / √d with one W = X_sumᵀ W_learned `[d, d]` a request, W_learned `[m, d]`.

    W_learned starts with variance 1 / m: independent s and X_sum of unit variance give unit
    variance. W has rank m at most, so every output is a mixture of the m rows of W_learned; what
    must survive whole has to go around this layer.
    """

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.learned_md = nn.Parameter(torch.empty(tokens, width))
        nn.init.normal_(self.learned_md, std=tokens**-0.5)

    def forward(self, x_sum_rmd: Tensor, s_rtd: Tensor) -> Tensor:
        """`[R, m, d]` and `[R, T, d]` → `[R, T, d]`.

        As (s X_sumᵀ) W_learned, which costs 2 T m d instead of (T + m) d² and never holds a W.
        """
        scores_rtm = s_rtd @ x_sum_rmd.transpose(1, 2) / math.sqrt(s_rtd.shape[-1])
        return scores_rtm @ self.learned_md
