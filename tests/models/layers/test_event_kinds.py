import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.layers.event_kinds import latest_of_kind

OUTCOMES = st.integers(1, 12).flatmap(
    lambda events: st.lists(
        st.lists(st.integers(0, 15), min_size=events, max_size=events), min_size=1, max_size=4
    )
)


def slow(outcomes: list[int], kind: int, length: int) -> tuple[list[int], list[bool]]:
    rows = [row for row, outcome in enumerate(outcomes) if outcome >> kind & 1][-length:]
    missing = length - len(rows)
    return [0] * missing + rows, [False] * missing + [True] * len(rows)


@settings(max_examples=200, deadline=None)
@given(outcomes=OUTCOMES, kind=st.integers(0, 4), length=st.integers(1, 15))
def test_equals_a_loop_over_events(outcomes: list[list[int]], kind: int, length: int) -> None:
    rows, live = latest_of_kind(torch.tensor(outcomes), kind, length)
    expected = [slow(each, kind, length) for each in outcomes]
    assert (rows.dtype, live.dtype) == (torch.int64, torch.bool)
    assert rows.tolist() == [row for row, _ in expected]
    assert live.tolist() == [alive for _, alive in expected]


@settings(max_examples=50, deadline=None)
@given(outcomes=OUTCOMES, kind=st.integers(0, 3), length=st.integers(1, 6))
def test_padding_in_front_only_shifts_the_rows(
    outcomes: list[list[int]], kind: int, length: int
) -> None:
    rows, live = latest_of_kind(torch.tensor(outcomes), kind, length)
    padded = torch.tensor([[0, 0, 0, *each] for each in outcomes])
    later_rows, later_live = latest_of_kind(padded, kind, length)
    assert torch.equal(later_live, live)
    assert torch.equal(later_rows, torch.where(live, rows + 3, 0))


def test_event_of_two_kinds_is_in_both_sequences() -> None:
    outcome = torch.tensor([[0, 1, 3, 1]])
    assert latest_of_kind(outcome, 0, 2)[0].tolist() == [[2, 3]]
    assert latest_of_kind(outcome, 1, 2)[0].tolist() == [[0, 2]]
