import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features.grouping import grouped
from models.layers.matched_events import kinds_of, matched_sums


@given(st.lists(st.integers(0, 2), min_size=1, max_size=9), st.integers(0, 1000))
@settings(deadline=None, max_examples=50)
def test_sums_are_those_of_a_loop_over_events(index: list[int], seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    item = torch.randint(0, 3, (len(index), 2), generator=rng)
    history = torch.randint(0, 3, (3, 5, 2), generator=rng)
    values = torch.randn(3, 5, 4, generator=rng)
    request_index = torch.tensor(index)
    rows, place = map(torch.from_numpy, grouped(request_index.numpy(), 3))
    sums = matched_sums(item, history, values, rows).flatten(0, 1)[place]
    for candidate, request in enumerate(index):
        for column in range(2):
            expected = torch.zeros(4)
            for event in range(5):
                if item[candidate, column] == history[request, event, column]:
                    expected += values[request, event]
            torch.testing.assert_close(sums[candidate, column], expected)


def test_an_event_is_of_every_kind_that_its_outcome_names() -> None:
    kinds = kinds_of(torch.tensor([[0, 1, 3, 5, 7]]), 3)
    assert kinds.tolist() == [[[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]]]
