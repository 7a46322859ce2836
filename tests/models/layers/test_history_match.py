import math

import torch

from models.features.grouping import grouped
from models.layers.history_match import match_counts


def test_counts_equal_a_loop_over_events() -> None:
    torch.manual_seed(0)
    item, history = torch.randint(0, 3, (6, 2)), torch.randint(0, 3, (2, 9, 2))
    outcome, index = torch.randint(0, 8, (2, 9)), torch.tensor([0, 1, 1, 0, 0, 1])
    rows, place = map(torch.from_numpy, grouped(index.numpy(), 2))
    found = match_counts(item, history, outcome, rows, place, kinds=3).reshape(6, 2, 3)
    for candidate, request in enumerate(index.tolist()):
        for column in range(2):
            for kind in range(3):
                met = sum(
                    int(history[request, event, column] == item[candidate, column])
                    * int(outcome[request, event] >> kind & 1)
                    for event in range(9)
                )
                expected = math.log1p(met)
                assert math.isclose(found[candidate, column, kind], expected, abs_tol=1e-6)
