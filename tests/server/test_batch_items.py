from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.features.records import Override
from server.batch_items import BatchItems
from server.candidates import CandidateColumns
from server.item_rows import Located

REQUESTS = st.lists(st.lists(st.booleans(), min_size=1, max_size=6), min_size=1, max_size=5)


def asked(requests: Sequence[Sequence[bool]]) -> BatchItems:
    """Keys count up over all requests; rows are keys + 100."""
    found, first = [], 0
    for request in requests:
        keys = np.arange(first, first + len(request), dtype=np.uint64)
        found.append(Located(keys, keys.astype(np.int64) + 100))
        first += len(request)
    return BatchItems.of(found)


def withdrawn(requests: Sequence[Sequence[bool]]) -> "np.typing.NDArray[np.bool_]":
    return np.array([gone for request in requests for gone in request])


@given(REQUESTS)
def test_withdrawn_candidates_are_out_and_the_rest_keep_their_order(
    requests: list[list[bool]],
) -> None:
    items = asked(requests).without(withdrawn(requests))
    first = 0
    for number, request in enumerate(requests):
        left = [first + place for place, gone in enumerate(request) if not gone]
        assert items.keys[items.parts[number]].tolist() == left
        assert items.rows[items.parts[number]].tolist() == [key + 100 for key in left]
        assert items.owners[items.parts[number]].tolist() == [number] * len(left)
        assert items.sizes[number] == len(left)
        kept = items.kept()[number]
        assert (kept is None) == (len(left) == len(request))
        if kept is not None:
            assert (first + kept).tolist() == left
        first += len(request)


@given(REQUESTS)
def test_overrides_follow_their_candidate_or_go_with_it(requests: list[list[bool]]) -> None:
    """Each candidate has one, with its key as the value."""
    columns, first = [], 0
    for request in requests:
        overrides = [Override(at, {0: first + at}, {}) for at in range(len(request))]
        columns.append(CandidateColumns([""] * len(request), None, overrides, False))
        first += len(request)
    items = asked(requests).without(withdrawn(requests))
    placed = {override.candidate: override.keys[0] for override in items.overrides(columns)}
    assert placed == dict(enumerate(items.keys.tolist()))


def test_nothing_withdrawn_costs_no_copy() -> None:
    items = asked([[False, False], [False]])
    assert items.without(np.zeros(3, np.bool_)) is items
    assert items.kept() == [None, None]
