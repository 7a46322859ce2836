"""How often a user met this item's values before, and with what outcome: exact counts.

R requests, N candidates, K candidates of the fullest request, L events, F item columns,
C = 1 + T kinds of outcome (shown, then each positive).
"""

import torch
from torch import Tensor

from models.layers.matched_events import kinds_of, matched_sums
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
    kinds_rlc = kinds_of(outcome_rl, kinds)
    counts_rkfc = matched_sums(item_nf, history_rlf, kinds_rlc, rows_rk)
    return ungroup(torch.log1p(counts_rkfc).flatten(2), place_n)
