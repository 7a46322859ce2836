"""Linear compressed embedding (LCE) of InterFormer (arXiv 2411.09852): fewer tokens, same width.

R requests or any other batch, n tokens in, m tokens out, d width.
"""

import torch
from torch import Tensor, nn


class CompressedTokens(nn.Module):
    """Y = W X with W `[m, n]`: every output token is one mixture of the input tokens.

    The mixture is the same at each of the d positions. W starts with variance 1 / n, so that
    independent tokens of unit variance give tokens of unit variance.
    """

    def __init__(self, tokens_in: int, tokens_out: int) -> None:
        super().__init__()
        self.mixture_mn = nn.Parameter(torch.empty(tokens_out, tokens_in))
        nn.init.normal_(self.mixture_mn, std=tokens_in**-0.5)

    def forward(self, x_rnd: Tensor) -> Tensor:
        """`[R, n, d]` → `[R, m, d]`."""
        return self.mixture_mn @ x_rnd
