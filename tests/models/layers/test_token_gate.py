import math

import torch

from models.layers.token_gate import TokenGate


@torch.no_grad()
def test_gate_is_a_sigmoid_times_its_input() -> None:
    torch.manual_seed(0)
    gate, x = TokenGate(3), torch.randn(2, 4, 3)
    found = gate(x)
    for request in range(2):
        for token in range(4):
            row = x[request, token].tolist()
            for place, value in enumerate(row):
                weights = gate.mlp.weight[place].tolist()
                mlp = sum(w * v for w, v in zip(weights, row, strict=True))
                mlp += float(gate.mlp.bias[place])
                expected = value / (1.0 + math.exp(-value * mlp))
                assert abs(float(found[request, token, place]) - expected) < 1e-6


def test_gate_shrinks_and_keeps_the_sign() -> None:
    torch.manual_seed(0)
    x = torch.randn(5, 4, 8)
    found = TokenGate(8)(x)
    assert torch.equal(found.sign(), x.sign())
    assert bool((found.abs() < x.abs()).all())


def test_tokens_do_not_see_each_other() -> None:
    torch.manual_seed(0)
    gate, x = TokenGate(8), torch.randn(5, 4, 8)
    torch.testing.assert_close(gate(x)[:, 2:3], gate(x[:, 2:3]))
