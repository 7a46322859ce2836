import math
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.features.grouping import grouped
from models.layers.sequence_pool import SequenceAttention, SequenceSum

DIM, WIDTH = 3, 4


class Case(NamedTuple):
    query: Tensor
    z: Tensor
    age: Tensor
    live: Tensor
    request_index: Tensor


def case_of(index: list[int], requests: int, entries: int, seed: int = 0) -> Case:
    """The last request has no live entry."""
    rng = torch.Generator().manual_seed(seed)
    z = torch.rand(requests, entries, DIM, generator=rng) * 2.0 - 1.0
    age = torch.rand(requests, entries, generator=rng)
    live = torch.rand(requests, entries, generator=rng) < 0.6
    live[-1] = False
    query = torch.randn(len(index), WIDTH, generator=rng)
    return Case(query, z, age, live, torch.tensor(index))


@pytest.fixture
def case() -> Case:
    return case_of([2, 0, 1, 1, 2, 0, 1], requests=3, entries=5)


@pytest.fixture
def total() -> SequenceSum:
    torch.manual_seed(1)
    return SequenceSum(DIM, WIDTH)


@pytest.fixture
def attention() -> SequenceAttention:
    return attention_of(seed=1)


def attention_of(seed: int) -> SequenceAttention:
    torch.manual_seed(seed)
    return SequenceAttention(DIM, WIDTH)


def read(attention: SequenceAttention, case: Case) -> Tensor:
    rows, place = map(torch.from_numpy, grouped(case.request_index.numpy(), len(case.z)))
    answer: Tensor = attention(case.query, case.z, case.age, case.live, rows, place).detach()
    return answer


def pooled(total: SequenceSum, case: Case) -> Tensor:
    answer: Tensor = total(case.z, case.age, case.live).detach()
    return answer


def live_entries(layer: SequenceSum | SequenceAttention, case: Case, request: int) -> list[Tensor]:
    return [
        layer.entry(torch.cat([case.z[request, at], case.age[request, at : at + 1]])).detach()
        for at in range(case.z.shape[1])
        if case.live[request, at]
    ]


def slow_read(attention: SequenceAttention, case: Case) -> Tensor:
    rows = []
    for q, request in zip(case.query, case.request_index.tolist(), strict=True):
        entries = live_entries(attention, case, request)
        weights = []
        for s in entries:
            hidden = attention.first(torch.cat([q, s, q - s, q * s])).clamp(min=0.0)
            weights.append(math.exp(float(attention.score(hidden).detach())))
        answer = torch.zeros(WIDTH)
        for weight, s in zip(weights, entries, strict=True):
            answer += weight / (1.0 + sum(weights)) * s
        rows.append(answer)
    return torch.stack(rows)


def polluted(case: Case, rubbish: float) -> Case:
    """With something else in the padding."""
    z = torch.where(case.live.unsqueeze(-1), case.z, rubbish)
    return case._replace(z=z, age=torch.where(case.live, case.age, rubbish))


def padded(case: Case) -> Case:
    shape = (len(case.z), 4)
    return case._replace(
        z=torch.cat([torch.ones(*shape, DIM), case.z], 1),
        age=torch.cat([torch.ones(shape), case.age], 1),
        live=torch.cat([torch.zeros(shape, dtype=torch.bool), case.live], 1),
    )


def test_sum_equals_a_loop_over_entries(total: SequenceSum, case: Case) -> None:
    for request, found in enumerate(pooled(total, case)):
        expected, entries = torch.zeros(WIDTH), live_entries(total, case, request)
        for entry in entries:
            expected += entry / math.sqrt(len(entries))
        torch.testing.assert_close(found, expected)


def test_sum_of_equal_entries_grows_with_the_root_of_their_count(total: SequenceSum) -> None:
    live = torch.tensor([[True, False, False, False], [True, True, True, True]])
    case = Case(torch.zeros(0), torch.ones(2, 4, DIM), torch.ones(2, 4), live, torch.zeros(0))
    one, four = pooled(total, case)
    torch.testing.assert_close(four, 2.0 * one)


def test_user_without_entries_sums_to_zeros(total: SequenceSum, case: Case) -> None:
    assert torch.equal(pooled(total, case)[2], torch.zeros(WIDTH))


def test_attention_equals_the_literal_concat(attention: SequenceAttention, case: Case) -> None:
    torch.testing.assert_close(read(attention, case), slow_read(attention, case))


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(1, 6), st.integers(0, 1 << 30)
)
@settings(max_examples=25, deadline=None)
def test_attention_equals_the_literal_concat_in_any_shape(
    index: list[int], entries: int, seed: int
) -> None:
    attention, case = attention_of(seed), case_of(index, 4, entries, seed)
    torch.testing.assert_close(read(attention, case), slow_read(attention, case))


def test_candidates_of_a_user_without_entries_read_zeros(
    attention: SequenceAttention, case: Case
) -> None:
    found = read(attention, case)
    assert torch.equal(found[[0, 4]], torch.zeros(2, WIDTH))
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("rubbish", [7.0, math.inf, math.nan])
def test_padding_is_never_read(
    total: SequenceSum, attention: SequenceAttention, case: Case, rubbish: float
) -> None:
    assert torch.equal(pooled(total, polluted(case, rubbish)), pooled(total, case))
    assert torch.equal(read(attention, polluted(case, rubbish)), read(attention, case))


def test_more_padding_changes_nothing(
    total: SequenceSum, attention: SequenceAttention, case: Case
) -> None:
    torch.testing.assert_close(pooled(total, padded(case)), pooled(total, case))
    torch.testing.assert_close(read(attention, padded(case)), read(attention, case))


def test_order_of_entries_does_not_matter(
    total: SequenceSum, attention: SequenceAttention, case: Case
) -> None:
    order = torch.tensor([3, 1, 4, 0, 2])
    turned = case._replace(z=case.z[:, order], age=case.age[:, order], live=case.live[:, order])
    torch.testing.assert_close(pooled(total, turned), pooled(total, case))
    torch.testing.assert_close(read(attention, turned), read(attention, case))


def test_candidate_reads_no_history_but_its_own(attention: SequenceAttention, case: Case) -> None:
    z = case.z.clone()
    z[0] += 1.0
    changed = (read(attention, case._replace(z=z)) != read(attention, case)).any(1)
    assert changed.tolist() == [request == 0 for request in case.request_index.tolist()]


def test_age_counts(total: SequenceSum, attention: SequenceAttention, case: Case) -> None:
    older = case._replace(age=case.age + 1.0)
    assert not torch.allclose(pooled(total, older), pooled(total, case))
    assert not torch.allclose(read(attention, older), read(attention, case))


def test_users_without_entries_give_finite_gradients(
    total: SequenceSum, attention: SequenceAttention, case: Case
) -> None:
    dark = polluted(case._replace(live=torch.zeros_like(case.live)), math.nan)
    rows, place = map(torch.from_numpy, grouped(np.asarray(dark.request_index), len(dark.z)))
    answer = attention(dark.query, dark.z, dark.age, dark.live, rows, place).sum()
    (answer + total(dark.z, dark.age, dark.live).sum()).backward()
    for layer in (total, attention):
        assert all(
            weight.grad is not None and torch.isfinite(weight.grad).all()
            for weight in layer.parameters()
        )
