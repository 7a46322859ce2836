"""Pooling by multihead attention (PMA): a few learned queries read all events of a request.

Set Transformer (Lee et al., arXiv 1810.00825, section 3.2) as InterFormer (arXiv 2411.09852) uses
it for the summary of a sequence. R requests, T events, m queries, d width, H heads of width E.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.layers.self_attention import attention, merge_heads, split_heads


class PooledAttention(nn.Module):
    """a = LN(q + Multihead(q, s, s)), then LN(a + relu(Linear(a))).

    Beside the live events stands a null event of score 0 and value 0, as in
    models.layers.target_attention. No projection has a bias, so a request without a live event
    adds zeros to the queries. The queries start small, so that what they read is not drowned.
    """

    def __init__(self, width: int, heads: int, tokens: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_md = nn.Parameter(torch.empty(tokens, width))
        nn.init.normal_(self.queries_md, std=width**-0.5)
        self.project_query = nn.Linear(width, width, bias=False)
        self.project_event = nn.Linear(width, 2 * width, bias=False)
        self.project_out = nn.Linear(width, width, bias=False)
        self.feed_forward = nn.Linear(width, width)
        self.read_norm = nn.LayerNorm(width)
        self.out_norm = nn.LayerNorm(width)

    def forward(self, s_rtd: Tensor, live_rt: Tensor) -> Tensor:
        """`[R, T, d]` → `[R, m, d]`."""
        a_rmd = self.read_norm(self.queries_md + self._read(s_rtd, live_rt))
        return self.out_norm(a_rmd + self.feed_forward(a_rmd).relu())  # type: ignore[no-any-return]

    def _read(self, s_rtd: Tensor, live_rt: Tensor) -> Tensor:
        query_hme = split_heads(self.project_query(self.queries_md), self.heads)
        projected_rtd2: Tensor = fn.pad(self.project_event(s_rtd), (0, 0, 1, 0))
        key, value = (split_heads(part, self.heads) for part in projected_rtd2.chunk(2, -1))
        read = attention(query_hme, key, value, fn.pad(live_rt, (1, 0), value=True))
        return self.project_out(merge_heads(read))  # type: ignore[no-any-return]
