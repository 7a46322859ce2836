"""InterFormer's interaction arch: a DHEN ensemble (arXiv 2203.11014) of dot products and a cross.

R requests, or candidates, or any other batch; n tokens in, m tokens out, d width.
"""

import math

import torch
from torch import Tensor, nn

from models.layers.compressed_tokens import CompressedTokens
from models.layers.cross import CrossLayer


class DotInteraction(nn.Module):
    """x_i·x_j / √d for every i < j, then one linear layer to all output tokens.

    √d because the dot product of independent tokens of unit variance has variance d.
    """

    pairs: Tensor

    def __init__(self, tokens: int, width: int, tokens_out: int) -> None:
        super().__init__()
        above, right = torch.triu_indices(tokens, tokens, offset=1)
        self.register_buffer("pairs", above * tokens + right, persistent=False)
        self.expand = nn.Linear(len(self.pairs), tokens_out * width)
        self.width = width

    def forward(self, x_rnd: Tensor) -> Tensor:
        """`[R, n, d]` → `[R, m, d]`."""
        gram_rnn = x_rnd @ x_rnd.transpose(1, 2) / math.sqrt(self.width)
        expanded: Tensor = self.expand(gram_rnn.flatten(1).index_select(1, self.pairs))
        return expanded.unflatten(-1, (-1, self.width))  # type: ignore[no-any-return]


class CrossInteraction(nn.Module):
    """One low-rank cross layer of DCN V2 (arXiv 2008.13535) over all n · d values, then LCE."""

    def __init__(self, tokens: int, width: int, tokens_out: int, rank: int) -> None:
        super().__init__()
        self.cross = CrossLayer(tokens * width, rank)
        self.compress = CompressedTokens(tokens, tokens_out)
        self.width = width

    def forward(self, x_rnd: Tensor) -> Tensor:
        """`[R, n, d]` → `[R, m, d]`."""
        flat = x_rnd.flatten(1)
        crossed: Tensor = self.cross(flat, flat)
        return self.compress(crossed.unflatten(-1, (-1, self.width)))  # type: ignore[no-any-return]


class DhenInteraction(nn.Module):
    """LN((dot(x) + cross(x)) / 2 + shortcut(x)), with LCE as the shortcut where m ≠ n.

    The mean of the ensemble, not the sum, so that its weight beside the shortcut does not depend
    on how many modules it has.
    """

    def __init__(self, tokens: int, width: int, tokens_out: int, rank: int) -> None:
        super().__init__()
        self.dot = DotInteraction(tokens, width, tokens_out)
        self.cross = CrossInteraction(tokens, width, tokens_out, rank)
        self.shortcut = (
            nn.Identity() if tokens == tokens_out else CompressedTokens(tokens, tokens_out)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x_rnd: Tensor) -> Tensor:
        """`[R, n, d]` → `[R, m, d]`."""
        ensemble_rmd = (self.dot(x_rnd) + self.cross(x_rnd)) / 2
        return self.norm(ensemble_rmd + self.shortcut(x_rnd))  # type: ignore[no-any-return]
