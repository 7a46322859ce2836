"""Low-rank cross layer of DCN V2 (arXiv 2008.13535, eq. 2)."""

from torch import Tensor, nn


class CrossLayer(nn.Module):
    """x' = x0 ⊙ (U V x + b) + x, every shape `[N, width]`."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, rank, bias=False)
        self.up = nn.Linear(rank, width)
        nn.init.normal_(self.up.weight, std=0.01)

    def forward(self, first: Tensor, x: Tensor) -> Tensor:
        crossed: Tensor = self.up(self.down(x))
        return first * crossed + x
