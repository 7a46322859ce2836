"""A linear map of n tokens to o tokens as a short sum of Kronecker products.

Kunlun (arXiv 2602.10016), SumKronLinear:  Y = Σ_{i ≤ k} Z_iᵀ X W_i

k · (n · o + d²) parameters, where a dense map of d-wide tokens has n · o · d².
R requests, n tokens in, o tokens out, d width, k terms.
"""

import torch
from torch import Tensor, nn


class SumKronLinear(nn.Module):
    """No bias: zeros in are zeros out. At the start, unit variance in is unit variance out."""

    def __init__(self, tokens_in: int, tokens_out: int, width: int, terms: int) -> None:
        super().__init__()
        self.z_kno = nn.Parameter(torch.empty(terms, tokens_in, tokens_out))
        self.w_kdd = nn.Parameter(torch.empty(terms, width, width))
        nn.init.normal_(self.z_kno, std=tokens_in**-0.5)
        nn.init.normal_(self.w_kdd, std=(terms * width) ** -0.5)

    def forward(self, x_rnd: Tensor) -> Tensor:
        """`[R, n, d]` → `[R, o, d]`.

        Two products: all Z_i beside each other, then all W_i below each other, which also sums
        over i. Z first, so that W meets the o tokens, the fewer ones after a pooling.
        """
        z_ok_n = self.z_kno.permute(2, 0, 1).flatten(0, 1)
        mixed_rokd = (z_ok_n @ x_rnd).unflatten(1, (-1, self.z_kno.shape[0]))
        y_rod: Tensor = mixed_rokd.flatten(2) @ self.w_kdd.flatten(0, 1)
        return y_rod
