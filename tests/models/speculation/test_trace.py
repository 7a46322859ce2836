from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.speculation.errors import TraceInvalid
from models.speculation.trace import MAX_CODE
from tests.models.speculation.small_traces import trace_of

TRACE = trace_of((0, 4, [0, 1]), (5, 3, []), (5, 4, [1, 2, 3]))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("time_ms", np.array([0, 6, 5]), "trace.time_ms: request 2 is before"),
        ("user", np.array([0, -1, 0]), "trace.user: codes -1 … 0"),
        ("user", np.array([0, MAX_CODE, 0]), "below"),
        ("offsets", np.array([0, 2, 2, 4]), "trace.offsets: 0 … 4"),
        ("offsets", np.array([0, 3, 2, 5]), "trace.offsets"),
        ("pair", np.array([0, 0, 1, 2, 3]), "trace.pair: candidate 1 repeats"),
        ("pair", np.array([0, 1, 1, 3, 2]), "trace.pair: candidate 4 repeats or descends"),
        ("item", np.array([0, 0, 1, 1, 1]), "trace.item: pair 1 is of two items"),
        ("score", np.full(5, np.nan, np.float32), "trace.score: nan of candidate 0"),
        ("score", np.zeros(5), r"trace.score: float64\[5\]; give float32\[5\]"),
        ("score", np.zeros(4, np.float32), r"trace.score: float32\[4\]; give float32\[5\]"),
    ],
)
def test_a_broken_field_is_named_with_its_remedy(field: str, value: Any, message: str) -> None:
    with pytest.raises(TraceInvalid, match=message):
        replace(TRACE, **{field: value})


def test_a_trace_without_requests_is_refused() -> None:
    with pytest.raises(TraceInvalid, match="no request"):
        TRACE.until(0)


def test_a_users_requests_keep_their_candidates() -> None:
    part = TRACE.of_users(np.array([4]))
    assert part.time_ms.tolist() == [0, 5]
    assert part.offsets.tolist() == [0, 2, 5]
    assert part.pair.tolist() == [0, 1, 1, 2, 3]
    assert part.request.tolist() == [0, 0, 1, 1, 1]
