"""Each candidate attends to its own request's history (DIN, arXiv 1706.06978, with dot products).

R requests, N candidates, K candidates of the fullest request, L events, D width.
"""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as fn

DEAD: Final = -1e9


def attend(
    query_nd: Tensor, keys_rld: Tensor, live_rl: Tensor, rows_rk: Tensor, place_n: Tensor
) -> Tensor:
    """softmax(q·k / √D) over the live events and one null event of score 0 and value 0 → `[N, D]`.

    A request without history reads zeros. `rows_rk` and `place_n` as in
    models.features.grouping.Grouping: a candidate meets no history but its own.
    """
    keys_rld, live_rl = _with_null(keys_rld, live_rl)
    scores_rkl = group(query_nd, rows_rk) @ keys_rld.transpose(1, 2) / math.sqrt(query_nd.shape[1])
    dead_rl = torch.where(live_rl, 0.0, DEAD)
    read_rkd = (scores_rkl + dead_rl.unsqueeze(1)).softmax(-1) @ keys_rld
    return ungroup(read_rkd, place_n)


def _with_null(keys_rld: Tensor, live_rl: Tensor) -> tuple[Tensor, Tensor]:
    """The null event in front: a key of zeros scores 0 and is worth 0."""
    return fn.pad(keys_rld, (0, 0, 1, 0)), fn.pad(live_rl, (1, 0), value=True)


def group(values_nd: Tensor, rows_rk: Tensor) -> Tensor:
    """`[N, D]` → `[R, K, D]`. An embedding: one gather in the graph."""
    return fn.embedding(rows_rk, values_nd)


def ungroup(values_rkd: Tensor, place_n: Tensor) -> Tensor:
    """`[R, K, D]` → `[N, D]`."""
    return values_rkd.flatten(0, 1).index_select(0, place_n)
