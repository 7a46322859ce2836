import pytest
import torch
from torch import Tensor

from models.layers.matryoshka import Matryoshka


def slow_error(layer: Matryoshka, activation: Tensor, z: Tensor, prefix: int) -> float:
    """Scalar by scalar, with a normalisation of its own."""
    total = 0.0
    weight, bias = layer.decode.weight.tolist(), layer.decode.bias.tolist()
    for row, code in zip(activation.tolist(), z.tolist(), strict=True):
        mean = sum(row) / len(row)
        spread = (sum((value - mean) ** 2 for value in row) / len(row) + 1e-5) ** 0.5
        for column, value in enumerate(row):
            rebuilt = bias[column] + sum(weight[column][i] * code[i] for i in range(prefix))
            total += ((value - mean) / spread - rebuilt) ** 2
    return total / activation.numel()


def test_loss_equals_a_loop_over_prefixes() -> None:
    torch.manual_seed(0)
    layer, activation = Matryoshka(7, 5, (1, 3, 5)), 3.0 * torch.randn(4, 7) + 1.0
    z = layer(activation)
    expected = sum(slow_error(layer, activation, z, prefix) for prefix in (1, 3, 5)) / 3
    assert float(layer.loss(activation, z).detach()) == pytest.approx(expected, rel=1e-5)


def test_one_prefix_is_the_plain_autoencoder() -> None:
    torch.manual_seed(0)
    layer, activation = Matryoshka(7, 5, (5,)), torch.randn(4, 7)
    z = layer(activation)
    expected = slow_error(layer, activation, z, 5)
    assert float(layer.loss(activation, z).detach()) == pytest.approx(expected, rel=1e-5)


def test_activation_gets_no_gradient() -> None:
    layer, activation = Matryoshka(8, 4, (2, 4)), torch.randn(5, 8, requires_grad=True)
    layer.loss(activation, layer(activation)).backward()
    assert activation.grad is None
    assert layer.encode.weight.grad is not None
    assert layer.decode.weight.grad is not None


def test_z_stays_within_one() -> None:
    assert float(Matryoshka(8, 4, (4,))(1e6 * torch.randn(50, 8)).detach().abs().max()) <= 1.0


def test_longer_prefix_rebuilds_no_worse_than_a_shorter_one() -> None:
    torch.manual_seed(0)
    prefixes = (1, 2, 4, 8)
    layer = Matryoshka(16, 8, prefixes)
    low_rank = torch.randn(128, 4) @ torch.randn(4, 16)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.02)
    for _ in range(200):
        optimiser.zero_grad()
        layer.loss(low_rank, layer(low_rank)).backward()
        optimiser.step()
    z = layer(low_rank).detach()
    errors = [slow_error(layer, low_rank, z, prefix) for prefix in prefixes]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < 0.9  # the normalised activation has variance 1
    assert errors[2] < 0.2  # as wide as the data's rank
    assert errors[3] < 0.1


@pytest.mark.parametrize("prefixes", [(), (4, 2, 8), (2, 2, 8), (0, 8), (-1, 8), (2, 4), (8, 16)])
def test_prefixes_that_do_not_ascend_to_dim_are_refused(prefixes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="ascend from 1 or more to 8"):
        Matryoshka(16, 8, prefixes)


def test_prefixes_leave_the_stored_weights_alone() -> None:
    assert set(Matryoshka(6, 4, (2, 4)).state_dict()) == set(Matryoshka(6, 4, (4,)).state_dict())
