"""Hierarchical seed pooling: many learned seeds read the events, then are mixed into few tokens.

Kunlun (arXiv 2602.10016), HSP:  H = MHA(Norm(seeds), S, S),  then SumKronLinear: seeds → tokens

R requests, T events, m seeds, n tokens, d width, H heads of width E = d / H.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.layers.self_attention import attention, merge_heads, split_heads
from models.layers.sum_kron import SumKronLinear


class SeedPooling(nn.Module):
    """Beside the live events stands a null event of score 0 and value 0, as in target_attention.

    So a request without events gives zeros. The attention has no output projection of its own: the
    W_i of the SumKronLinear behind it would absorb it.
    """

    def __init__(self, width: int, heads: int, seeds: int, tokens: int, terms: int) -> None:
        super().__init__()
        self.heads = heads
        self.seeds_md = nn.Parameter(torch.randn(seeds, width))
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.mix = SumKronLinear(seeds, tokens, width, terms)

    def forward(self, s_rtd: Tensor, live_rt: Tensor) -> Tensor:
        """`[R, T, d]`, bool `[R, T]` → `[R, n, d]`."""
        # Without biases, an event of zeros in front has the key and the value of the null event.
        s_rtd, live_rt = fn.pad(s_rtd, (0, 0, 1, 0)), fn.pad(live_rt, (1, 0), value=True)
        query_hme = split_heads(self.query(self.norm(self.seeds_md)), self.heads)
        key_rhte = split_heads(self.key(s_rtd), self.heads)
        value_rhte = split_heads(self.value(s_rtd), self.heads)
        read_rmd = merge_heads(attention(query_hme, key_rhte, value_rhte, live_rt))
        return self.mix(read_rmd)  # type: ignore[no-any-return]
