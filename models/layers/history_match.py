"""How often a user met this item's values before, and with what outcome: exact counts.

R requests, N candidates, K candidates of the fullest request, L events, F item columns,
C = 1 + T kinds of outcome (shown, then each positive).
"""

import torch
from torch import Tensor

from models.layers.target_attention import ungroup


def match_counts(
    item_nf: Tensor,
    history_rlf: Tensor,
    outcome_rl: Tensor,
    rows_rk: Tensor,
    place_n: Tensor,
    kinds: int,
) -> Tensor:
    """log1p of the events that share each column's value with the candidate → `[N, F · C]`."""
    bits_rlc = torch.stack([(outcome_rl >> kind) & 1 for kind in range(kinds)], dim=-1).float()
    item_rkf = item_nf[rows_rk]
    equal_rkfl = item_rkf.unsqueeze(3) == history_rlf.transpose(1, 2).unsqueeze(1)
    counts_rkfc = equal_rkfl.float() @ bits_rlc.unsqueeze(1)
    return ungroup(torch.log1p(counts_rkfc).flatten(2), place_n)
