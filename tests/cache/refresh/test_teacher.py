from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.refresh.stacked import Wanted, candidates_of, requests_of
from cache.refresh.teacher import NotATeacher, Teacher, chunked
from models.features.build import build
from models.features.catalogue import Catalogue
from models.features.item_table import ItemTable
from models.features.records import Candidates, History, Requests
from models.runtime import load
from tests.bundles import NOW_MS, linear_student
from tests.cache.refresh.asked import make_wanted


def keys_of(chunks: list[list[Wanted]]) -> list[int]:
    return [int(key) for chunk in chunks for each in chunk for key in each.item_keys]


@given(st.lists(st.integers(0, 20), max_size=8), st.integers(1, 10))
def test_chunks_hold_all_pairs_in_order_within_the_limit(sizes: list[int], limit: int) -> None:
    first = 0
    wanted = []
    for size in sizes:
        keys = np.arange(first, first + size, dtype=np.uint64)
        wanted.append(make_wanted()._replace(item_keys=keys))
        first += size
    chunks = list(chunked(wanted, limit))
    assert keys_of(chunks) == list(range(first))
    totals = [sum(len(each.item_keys) for each in chunk) for chunk in chunks]
    assert all(total == limit for total in totals[:-1])
    assert all(0 < total <= limit for total in totals[-1:])


def test_judging_in_chunks_changes_nothing(teacher_bundle: Path, catalogue: Catalogue) -> None:
    model = load(teacher_bundle)
    wanted = [make_wanted(range(n, n + 9), seed=n, events=n) for n in range(6)]
    whole = Teacher(model, catalogue, candidate_limit=1000).judge(wanted)
    cut = Teacher(model, catalogue, candidate_limit=7).judge(wanted)
    assert whole.z.shape == (54, 8)
    np.testing.assert_allclose(cut.z, whole.z, atol=1e-6)
    np.testing.assert_allclose(cut.logit, whole.logit, atol=1e-5)


def test_teacher_sees_what_a_gateway_would_build(teacher: Teacher, catalogue: Catalogue) -> None:
    """The same features, bit for bit, as one request assembled on its own."""
    wanted = make_wanted(range(5), events=3)
    state = wanted.state
    requests = Requests(
        now_ms=np.array([NOW_MS], np.int64),
        user=state.columns[None],
        user_number=state.numbers[None],
        counters=state.counters[None],
        counters_at=np.array([state.counters_at], np.int64),
        context=wanted.context[None],
        context_number=wanted.context_numbers[None],
        history=History(
            catalogue.rows(state.items)[None], state.times_ms[None], state.outcomes[None]
        ),
    )
    row = catalogue.rows(wanted.item_keys)
    candidates = Candidates(
        np.zeros(5, np.int64), row, catalogue.counters[row], catalogue.counters_at[row]
    )
    items = ItemTable.of(teacher.schema, catalogue)
    alone = build(teacher.schema, items, requests, candidates)
    other = make_wanted(range(3), seed=8, events=40)
    length = teacher.schema.history_length
    together = build(
        teacher.schema,
        items,
        requests_of([wanted, other], catalogue, length),
        candidates_of([wanted, other], catalogue),
    )
    for spec in teacher.schema.inputs():
        if spec.name == "group_rows":
            continue  # as wide as the widest request
        rows = 1 if spec.shape[0] == "R" else 5
        np.testing.assert_array_equal(together[spec.name][:rows], alone[spec.name], spec.name)


def test_student_is_refused_as_a_teacher(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(NotATeacher, match="student"):
        Teacher(load(linear_student(tmp_path)), catalogue)
