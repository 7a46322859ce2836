import math

import pytest
import torch
from torch import Tensor

from models.layers.personal_ffn import PersonalFeedForward


def own_matrix(layer: PersonalFeedForward, summary: Tensor) -> Tensor:
    """W of one request, entry by entry: `[m, d]` → `[d, d]`."""
    tokens, width = summary.shape
    matrix = torch.zeros(width, width)
    for row in range(width):
        for column in range(width):
            for token in range(tokens):
                matrix[row, column] += summary[token, row] * layer.learned_md[token, column]
    return matrix


@torch.no_grad()
def test_events_meet_the_matrix_of_their_own_request() -> None:
    torch.manual_seed(0)
    layer = PersonalFeedForward(3, 4)
    summary, events = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    found = layer(summary, events)
    assert found.shape == events.shape
    for request in range(2):
        matrix = own_matrix(layer, summary[request])
        for event in range(5):
            expected = events[request, event] @ matrix / math.sqrt(4)
            torch.testing.assert_close(found[request, event], expected)


@pytest.mark.parametrize(("tokens", "width"), [(1, 64), (4, 64), (16, 32)])
def test_unit_variance_stays_at_the_start(tokens: int, width: int) -> None:
    torch.manual_seed(0)
    variances = []
    for _ in range(32):
        layer = PersonalFeedForward(tokens, width)
        found = layer(torch.randn(64, tokens, width), torch.randn(64, 4, width))
        variances.append(found.var().item())
    assert 0.9 < sum(variances) / len(variances) < 1.1


def test_output_has_the_rank_of_the_summary_at_most() -> None:
    torch.manual_seed(0)
    found = PersonalFeedForward(2, 8)(torch.randn(1, 2, 8), torch.randn(1, 20, 8))
    assert int(torch.linalg.matrix_rank(found[0], rtol=1e-4)) == 2


def test_an_event_of_zeros_stays_zeros() -> None:
    found = PersonalFeedForward(2, 8)(torch.randn(3, 2, 8), torch.zeros(3, 4, 8))
    assert torch.equal(found, torch.zeros(3, 4, 8))
