import math

import pytest
import torch
from torch import Tensor

from models.layers.target_attention import _attend_flat, _attend_grouped, attend, group, places


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


@pytest.mark.parametrize("form", [_attend_flat, _attend_grouped, attend])
def test_each_form_equals_a_loop_over_candidates(
    form: object, case: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    assert callable(form)
    torch.testing.assert_close(form(*case), slow(*case))


def test_request_without_history_reads_zeros(case: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    assert torch.equal(attend(*case)[2], torch.zeros(4))


def test_group_places_every_candidate_with_its_own_request() -> None:
    index = torch.tensor([1, 0, 1, 1])
    place = places(index, 3)
    grouped = group(torch.arange(4.0).unsqueeze(1), index, place, 3)
    assert place.tolist() == [0, 0, 1, 2]
    assert grouped.squeeze(-1).tolist() == [[1, 0, 0], [0, 2, 3], [0, 0, 0]]
