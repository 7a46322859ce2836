import torch

from models.layers.compressed_tokens import CompressedTokens


@torch.no_grad()
def test_every_value_is_a_sum_over_the_tokens() -> None:
    torch.manual_seed(0)
    layer, x = CompressedTokens(4, 3), torch.randn(2, 4, 5)
    found = layer(x)
    assert found.shape == (2, 3, 5)
    for request in range(2):
        for token in range(3):
            for place in range(5):
                total = sum(
                    float(layer.mixture_mn[token, source] * x[request, source, place])
                    for source in range(4)
                )
                assert abs(float(found[request, token, place]) - total) < 1e-5


def test_positions_of_the_width_do_not_mix() -> None:
    torch.manual_seed(0)
    layer, x = CompressedTokens(4, 3), torch.randn(2, 4, 5)
    order = torch.randperm(5)
    torch.testing.assert_close(layer(x[:, :, order]), layer(x)[:, :, order])


def test_unit_variance_stays_at_the_start() -> None:
    torch.manual_seed(0)
    variance = CompressedTokens(64, 64)(torch.randn(8, 64, 64)).var().item()
    assert 0.9 < variance < 1.1
