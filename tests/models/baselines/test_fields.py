import math
from itertools import combinations

import torch

from models.baselines.fields import Fields, Table, pairs


def test_pairs_equal_a_loop_over_all_of_them() -> None:
    torch.manual_seed(0)
    vectors = torch.randn(5, 6, 3)
    looped = torch.stack(
        [(vectors[:, one] * vectors[:, other]).sum(-1) for one, other in combinations(range(6), 2)]
    ).sum(0)
    torch.testing.assert_close(pairs(vectors), looped)


def test_a_number_scales_its_own_vector() -> None:
    torch.manual_seed(0)
    fields = Fields([4, 8], numbers=2, factors=3)
    table = Table(torch.tensor([[1, 5]]), torch.tensor([[2.0, 0.0]]))
    vectors = fields(table).vectors[0]
    assert vectors.shape == (fields.count, 3)
    torch.testing.assert_close(vectors[2], 2.0 * fields.number_vector[0])
    assert not vectors[3].any()


def test_before_the_first_step_the_first_order_answers_the_base_rate() -> None:
    fields = Fields([4], numbers=1, factors=2)
    fields.start_at(0.04)
    answered = fields(Table(torch.tensor([[0], [3]]), torch.tensor([[1.0], [-2.0]]))).first_order
    torch.testing.assert_close(answered.detach().sigmoid(), torch.full((2,), 0.04))
    assert math.isclose(float(answered.detach()[0]), math.log(0.04 / 0.96), rel_tol=1e-5)
