"""The gate on InterFormer's summaries (arXiv 2411.09852): what passes of each position.

R requests or any other batch, n tokens, d width.
"""

from torch import Tensor, nn


class TokenGate(nn.Module):
    """σ(x ⊙ MLP(x)) ⊙ x, with one linear layer d → d as the MLP.

    As printed, Gate(X) = σ(X ⊙ MLP(X)) is the sigmoid alone: it lies in (0, 1), so it would drop
    the sign and the size of x and hand on nothing but the openings of the gate. Multiplied back
    onto x it selects, as a gate should.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Linear(width, width)

    def forward(self, x_rnd: Tensor) -> Tensor:
        """`[R, n, d]` → `[R, n, d]`."""
        opening_rnd: Tensor = (x_rnd * self.mlp(x_rnd)).sigmoid()
        return opening_rnd * x_rnd
