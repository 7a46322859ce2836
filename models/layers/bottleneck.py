"""The tanh autoencoder that turns a teacher's activation into its embedding z.

LoopFM (arXiv 2605.29280): z = tanh(enc(e)), trained on ‖e − dec(z)‖² with the gradient stopped at
e, so that nothing here changes the teacher.
"""

from torch import Tensor, nn
from torch.nn import functional as fn


class Bottleneck(nn.Module):
    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.encode = nn.Linear(width, dim)
        self.decode = nn.Linear(dim, width)

    def forward(self, activation: Tensor) -> Tensor:
        """`[N, width]` → z `[N, dim]` in (−1, 1)."""
        return self.encode(self.norm(activation.detach())).tanh()  # type: ignore[no-any-return]

    def loss(self, activation: Tensor, z: Tensor) -> Tensor:
        """Mean squared error of the reconstruction, in units of the normalised activation."""
        return fn.mse_loss(self.decode(z), self.norm(activation.detach()))
