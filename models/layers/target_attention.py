"""Each candidate attends to its own request's history (DIN, arXiv 1706.06978, with dot products).

R requests, N candidates, K candidates of the fullest request, L events, D width.
"""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as fn

DEAD: Final = -1e9


def attend(query_nd: Tensor, keys_rld: Tensor, live_rl: Tensor, request_index: Tensor) -> Tensor:
    """softmax(q·k / √D) over the live events and one null event of score 0 and value 0 → `[N, D]`.

    A request without history reads zeros. The two forms give the same numbers: matching every
    candidate with every event is one matrix product when R is 1, as in serving, and too much
    memory when R is a training batch.
    """
    if torch.compiler.is_exporting():
        return _attend_flat(query_nd, keys_rld, live_rl, request_index)
    return _attend_grouped(query_nd, keys_rld, live_rl, request_index)


def _attend_flat(query_nd: Tensor, keys_rld: Tensor, live_rl: Tensor, index: Tensor) -> Tensor:
    keys_rld, live_rl = _with_null(keys_rld, live_rl)
    requests, _, width = keys_rld.shape
    reader = torch.arange(requests, device=index.device)
    may_read_rrl = (reader.unsqueeze(1) == reader).unsqueeze(2) & live_rl
    # Few rows are compared, and candidates only gather them.
    bias = torch.where(may_read_rrl, 0.0, DEAD).reshape(requests, -1)
    keys = keys_rld.reshape(-1, width)
    scores = query_nd @ keys.T / math.sqrt(width) + bias.index_select(0, index)
    return scores.softmax(-1) @ keys


def _attend_grouped(query_nd: Tensor, keys_rld: Tensor, live_rl: Tensor, index: Tensor) -> Tensor:
    keys_rld, live_rl = _with_null(keys_rld, live_rl)
    place = places(index, len(keys_rld))
    query_rkd = group(query_nd, index, place, len(keys_rld))
    scores = query_rkd @ keys_rld.transpose(1, 2) / math.sqrt(query_nd.shape[1])
    scores = scores.masked_fill(~live_rl.unsqueeze(1), DEAD)
    return (scores.softmax(-1) @ keys_rld)[index, place]


def _with_null(keys_rld: Tensor, live_rl: Tensor) -> tuple[Tensor, Tensor]:
    """The null event in front: a key of zeros scores 0 and is worth 0."""
    return fn.pad(keys_rld, (0, 0, 1, 0)), fn.pad(live_rl, (1, 0), value=True)


def places(request_index: Tensor, requests: int) -> Tensor:
    """`int64[N]`: how many earlier candidates the same request has. Any order of requests."""
    order = torch.argsort(request_index, stable=True)
    counts = torch.bincount(request_index, minlength=requests)
    starts = counts.cumsum(0) - counts
    place = torch.empty_like(request_index)
    place[order] = torch.arange(len(order), device=order.device) - starts[request_index[order]]
    return place


def group(rows: Tensor, request_index: Tensor, place: Tensor, requests: int) -> Tensor:
    """`[N, …]` → `[R, K, …]`, zeros where a request has fewer than K candidates."""
    width = int(place.max()) + 1 if len(place) else 1
    grouped = rows.new_zeros((requests, width, *rows.shape[1:]))
    return grouped.index_put((request_index, place), rows)
