"""Each candidate attends to its own request's history (DIN, arXiv 1706.06978, with dot products).

R requests, N candidates, K candidates of the fullest request, L events, D width.
"""

import math

import torch
from torch import Tensor


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
    requests, length, width = keys_rld.shape
    owner = (
        torch.arange(requests, device=index.device)
        .unsqueeze(1)
        .expand(requests, length)
        .reshape(1, -1)
    )
    live = (owner == index.unsqueeze(1)) & live_rl.reshape(1, -1)
    keys = keys_rld.reshape(-1, width)
    return _weights(query_nd @ keys.T / math.sqrt(width), live) @ keys


def _attend_grouped(query_nd: Tensor, keys_rld: Tensor, live_rl: Tensor, index: Tensor) -> Tensor:
    place = places(index, len(keys_rld))
    query_rkd = group(query_nd, index, place, len(keys_rld))
    scores = query_rkd @ keys_rld.transpose(1, 2) / math.sqrt(query_nd.shape[1])
    return (_weights(scores, live_rl.unsqueeze(1)) @ keys_rld)[index, place]


def _weights(scores: Tensor, live: Tensor) -> Tensor:
    scores = scores.masked_fill(~live, -1e9)
    null = torch.zeros_like(scores[..., :1])
    return torch.cat([null, scores], dim=-1).softmax(-1)[..., 1:]


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
