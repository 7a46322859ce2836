"""The tanh autoencoder of which any one of a few prefixes of z is an embedding by itself.

LoopFM (arXiv 2605.29280), after Matryoshka representations (arXiv 2205.13147).
N rows, W width of the activation, d width of z (suffix z), P prefixes.
"""

import torch
from torch import Tensor, nn


class Matryoshka(nn.Module):
    """z = tanh(enc(norm(e))), trained on mean over prefixes d' of ‖norm(e) − dec(z[:d'], 0 …)‖².

    One decoder for all prefixes: what a prefix lacks reads as zero. No gradient reaches e, so that
    nothing here changes the teacher.
    """

    prefix_pz: Tensor

    def __init__(self, width: int, dim: int, prefixes: tuple[int, ...]) -> None:
        """Raises ValueError unless prefixes ascend from at least 1 to `dim`."""
        super().__init__()
        _check(prefixes, dim)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.encode = nn.Linear(width, dim)
        self.decode = nn.Linear(dim, width)
        kept = torch.arange(dim) < torch.tensor(prefixes).unsqueeze(1)
        self.register_buffer("prefix_pz", kept.float(), persistent=False)

    def forward(self, activation: Tensor) -> Tensor:
        """`[N, W]` → z `[N, d]` in (−1, 1)."""
        z: Tensor = self.encode(self.norm(activation.detach())).tanh()
        return z

    def loss(self, activation: Tensor, z: Tensor) -> Tensor:
        """Mean square per component, in units of the normalised activation."""
        rebuilt_pnw: Tensor = self.decode(z * self.prefix_pz.unsqueeze(1))
        error_pnw: Tensor = rebuilt_pnw - self.norm(activation.detach())
        return error_pnw.square().mean()


def _check(prefixes: tuple[int, ...], dim: int) -> None:
    ascends = bool(prefixes) and prefixes == tuple(sorted(set(prefixes)))
    if not ascends or prefixes[0] < 1 or prefixes[-1] != dim:
        raise ValueError(f"prefixes {prefixes} of z must ascend from 1 or more to {dim}")
