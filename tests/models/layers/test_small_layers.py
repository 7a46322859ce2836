import torch

from models.layers.bottleneck import Bottleneck
from models.layers.cross import CrossLayer
from models.layers.embedding import ColumnEmbedding


def test_columns_never_share_an_embedding_row() -> None:
    embedding = ColumnEmbedding([3, 5], dim=2)
    first, second = embedding(torch.tensor([[2, 0]])), embedding(torch.tensor([[0, 2]]))
    assert not torch.equal(first[0, :2], second[0, 2:])
    assert torch.equal(first[0, :2], embedding.table.weight[2])
    assert torch.equal(second[0, 2:], embedding.table.weight[3 + 2])


def test_cross_layer_is_the_printed_equation() -> None:
    torch.manual_seed(0)
    layer, first, x = CrossLayer(4, 2), torch.randn(3, 4), torch.randn(3, 4)
    product = x @ layer.down.weight.T @ layer.up.weight.T + layer.up.bias
    torch.testing.assert_close(layer(first, x), first * product + x)


def test_bottleneck_gives_the_teacher_no_gradient() -> None:
    bottleneck, activation = Bottleneck(8, 3), torch.randn(5, 8, requires_grad=True)
    z = bottleneck(activation)
    bottleneck.loss(activation, z).backward()
    assert activation.grad is None
    assert bottleneck.encode.weight.grad is not None
    assert float(z.detach().abs().max()) < 1.0
