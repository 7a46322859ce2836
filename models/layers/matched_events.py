"""The events of a user's history that share a column's value with a candidate: exact, not learned.

R requests, K candidates of the fullest request, L events, F item columns, P numbers of an event.
"""

import torch
from torch import Tensor


def matched_sums(
    item_nf: Tensor, history_rlf: Tensor, values_rlp: Tensor, rows_rk: Tensor
) -> Tensor:
    """Σ of the values of the events that share each column's value → `[R, K, F, P]`.

    An empty slot has to have values of zero. One product a request: a candidate each would be
    many small ones.
    """
    item_rkf = item_nf[rows_rk]
    matched_rkfl = item_rkf.unsqueeze(3) == history_rlf.transpose(1, 2).unsqueeze(1)
    sums_rkp = matched_rkfl.flatten(1, 2).float() @ values_rlp
    sums_rkfp: Tensor = sums_rkp.unflatten(1, (-1, item_nf.shape[1]))
    return sums_rkfp


def kinds_of(outcome_rl: Tensor, kinds: int) -> Tensor:
    """1 for each kind of outcome that an event had (shown, then each positive) → `[R, L, C]`."""
    return torch.stack([(outcome_rl >> kind) & 1 for kind in range(kinds)], dim=-1).float()
