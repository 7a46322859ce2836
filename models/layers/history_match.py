"""How often a user met this item's values before, and with what outcome: exact counts.

N candidates, L events, F item columns, C = 1 + T kinds of outcome (shown, then each positive).
"""

import torch
from torch import Tensor

from models.layers.target_attention import group, places


def match_counts(
    item_nf: Tensor, history_rlf: Tensor, outcome_rl: Tensor, request_index: Tensor, kinds: int
) -> Tensor:
    """log1p of the events that share each column's value with the candidate → `[N, F · C]`."""
    bits_rlc = torch.stack([(outcome_rl >> kind) & 1 for kind in range(kinds)], dim=-1).float()
    if torch.compiler.is_exporting():
        equal = item_nf.unsqueeze(1) == history_rlf[request_index]
        counts = equal.float().transpose(1, 2) @ bits_rlc[request_index]
        return torch.log1p(counts).flatten(1)
    place = places(request_index, len(history_rlf))
    item_rkf = group(item_nf, request_index, place, len(history_rlf))
    equal_rkfl = item_rkf.unsqueeze(3) == history_rlf.transpose(1, 2).unsqueeze(1)
    requests, width, columns, length = equal_rkfl.shape
    flat = equal_rkfl.float().reshape(requests, width * columns, length)
    counts = (flat @ bits_rlc).reshape(requests, width, columns, kinds)
    return torch.log1p(counts[request_index, place]).flatten(1)
