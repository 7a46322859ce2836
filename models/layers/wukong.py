"""Stacked factorisation machines (Wukong, arXiv 2403.02545), and a mixture of them.

R requests or any other batch, n tokens in, o tokens out, d width, k rank.
"""

import torch
from torch import Tensor, nn

from models.layers.compressed_tokens import CompressedTokens


class Wukong(nn.Module):
    """LN([FMB(X) ; LCB(X)] + shortcut(X)), a linear mixture of the tokens as shortcut where o ≠ n.

    FMB = MLP(LN(flat(X Xᵀ Y))): interactions of second order. Y `[n, k]` projects the n² dot
    products to n · k, and X (Xᵀ Y) makes them in time linear in n. LCB, the first order, hands
    mixtures of the tokens on. Each has half of the tokens out, FMB the odd one.
    """

    def __init__(self, tokens: int, width: int, tokens_out: int, rank: int) -> None:
        super().__init__()
        self.width = width
        self.y_nk = nn.Parameter(torch.empty(tokens, rank))
        nn.init.normal_(self.y_nk, std=tokens**-0.5)
        flat = tokens * rank
        mixed = tokens_out // 2
        self.interact = nn.Sequential(
            nn.LayerNorm(flat),
            nn.Linear(flat, flat),
            nn.ReLU(),
            nn.Linear(flat, (tokens_out - mixed) * width),
        )
        self.compress = CompressedTokens(tokens, mixed)
        self.shortcut = (
            nn.Identity() if tokens == tokens_out else CompressedTokens(tokens, tokens_out)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x_rnd: Tensor) -> Tensor:
        """`[R, n, d]` → `[R, o, d]`."""
        new_rod = torch.cat([self._interactions(x_rnd), self.compress(x_rnd)], dim=1)
        return self.norm(new_rod + self.shortcut(x_rnd))  # type: ignore[no-any-return]

    def _interactions(self, x_rnd: Tensor) -> Tensor:
        pairs_rnk = x_rnd @ (x_rnd.transpose(1, 2) @ self.y_nk)
        flat: Tensor = self.interact(pairs_rnk.flatten(1))
        return flat.unflatten(1, (-1, self.width))  # type: ignore[no-any-return]


class WukongExperts(nn.Module):
    """One Wukong for each contiguous part of the tokens (MoWukong of Kunlun, arXiv 2602.10016).

    Tokens in and tokens out are divided as equally as they can be, the larger parts first. Nothing
    routes, and no expert sees another's tokens.
    """

    def __init__(self, tokens: int, width: int, tokens_out: int, rank: int, experts: int) -> None:
        super().__init__()
        self.parts = _divided(tokens, experts)
        outs = _divided(tokens_out, experts)
        self.experts = nn.ModuleList(
            Wukong(part, width, out, rank) for part, out in zip(self.parts, outs, strict=True)
        )

    def forward(self, x_rnd: Tensor) -> Tensor:
        """`[R, n, d]` → `[R, o, d]`."""
        parts = x_rnd.split(self.parts, dim=1)
        found = [expert(part) for expert, part in zip(self.experts, parts, strict=True)]
        return torch.cat(found, dim=1)


def _divided(tokens: int, experts: int) -> list[int]:
    return [tokens // experts + (expert < tokens % experts) for expert in range(experts)]
