"""The events of a user's history that share a column's value with a candidate: exact, not learned.

R requests, K candidates of the fullest request, L events, F item columns, P numbers of an event.
"""

from functools import cache
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as fn

OUTCOMES: Final = 256
"""An outcome is a byte (models.features.records)."""


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
    """1 for each kind of outcome that an event had (shown, then each positive) → `[R, L, C]`.

    Looked up, not shifted out: neither CUDA nor TensorRT has ONNX's bit operations, so that each
    run would go by way of the processor; and on the processor they are a dozen small steps.
    """
    by_outcome = torch.tensor(_by_outcome(kinds), dtype=torch.float32, device=outcome_rl.device)
    return fn.embedding(outcome_rl, by_outcome)


@cache
def _by_outcome(kinds: int) -> list[list[int]]:
    return [[outcome >> kind & 1 for kind in range(kinds)] for outcome in range(OUTCOMES)]
