import math

import numpy as np
import pytest
import torch
from torch import Tensor

from models.features.grouping import grouped
from models.layers.target_attention import attend, group, ungroup


def slow(query: Tensor, keys: Tensor, live: Tensor, index: Tensor) -> Tensor:
    rows = []
    for candidate, request in enumerate(index.tolist()):
        events = [event for event in range(keys.shape[1]) if live[request, event]]
        scores = [float(query[candidate] @ keys[request, event]) for event in events]
        weights = [math.exp(score / math.sqrt(keys.shape[2])) for score in scores]
        read = torch.zeros(keys.shape[2])
        for weight, event in zip(weights, events, strict=True):
            read += weight / (1.0 + sum(weights)) * keys[request, event]
        rows.append(read)
    return torch.stack(rows)


@pytest.fixture
def case() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    live = torch.rand(3, 5) < 0.6
    live[1] = False
    return torch.randn(7, 4), torch.randn(3, 5, 4), live, torch.tensor([2, 0, 1, 1, 2, 0, 2])


def attended(query: Tensor, keys: Tensor, live: Tensor, index: Tensor) -> Tensor:
    rows, place = map(torch.from_numpy, grouped(index.numpy(), len(keys)))
    return attend(query, keys, live, rows, place)


def test_attention_equals_a_loop_over_candidates(
    case: tuple[Tensor, Tensor, Tensor, Tensor],
) -> None:
    torch.testing.assert_close(attended(*case), slow(*case))


def test_request_without_history_reads_zeros(case: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    assert torch.equal(attended(*case)[2], torch.zeros(4))


def test_candidates_come_back_to_their_places() -> None:
    rows, place = map(torch.from_numpy, grouped(np.array([1, 0, 1, 1]), 3))
    values = torch.arange(4.0).unsqueeze(1)
    assert torch.equal(ungroup(group(values, rows), place), values)
