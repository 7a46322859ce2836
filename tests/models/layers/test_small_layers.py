import torch

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
