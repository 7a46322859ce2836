"""The log's columns as vectors: where every model begins.

R requests, N candidates, L events, F columns, d width of an embedding.
"""

import torch
from torch import Tensor, nn

from models.inputs import Inputs
from models.layers.embedding import ColumnEmbedding
from models.schema import FeatureSchema, categorical

HOURS = 25
"""Rows of the hour of day, which every request has; row 0 would be a missing one."""


class Stem(nn.Module):
    def __init__(self, features: FeatureSchema, dim: int) -> None:
        super().__init__()
        log, widths = features.log, features.widths
        self.dim = dim
        self.item = ColumnEmbedding([column.buckets for column in categorical(log.item)], dim)
        self.user = ColumnEmbedding([column.buckets for column in categorical(log.user)], dim)
        contexts = [HOURS, *(column.buckets for column in categorical(log.context))]
        self.context = ColumnEmbedding(contexts, dim)
        self.outcome = nn.Embedding(2 << len(log.tasks), dim)
        self.event_width = self.item.width + dim + 1
        self.user_width = self.user.width + widths.user + self.context.width + widths.context
        self.number_width = widths.user + widths.context

    def events(self, inputs: Inputs) -> Tensor:
        """`[R, L, event_width]`, newest last; padding too has a vector."""
        described = [
            self.item(inputs.history_categorical),
            self.outcome(inputs.history_outcome),
            inputs.history_gap.unsqueeze(-1),
        ]
        return torch.cat(described, dim=-1)

    def user_side(self, inputs: Inputs) -> list[Tensor]:
        """Side by side `[R, user_width]`."""
        return [
            self.user(inputs.user_categorical),
            inputs.user_number,
            self.context(inputs.context_categorical),
            inputs.context_number,
        ]


class UserTokens(nn.Module):
    """What is known of a user and a context as tokens `[R, n, d]`: a column each, and one for all
    the numbers."""

    def __init__(self, stem: Stem) -> None:
        super().__init__()
        self.number = nn.Linear(stem.number_width, stem.dim)
        self.tokens = (stem.user.width + stem.context.width) // stem.dim + 1

    def forward(self, stem: Stem, inputs: Inputs) -> Tensor:
        user, user_number, context, context_number = stem.user_side(inputs)
        number_rd = self.number(torch.cat([user_number, context_number], dim=-1))
        flat = torch.cat([user, context, number_rd], dim=-1)
        return flat.view(-1, self.tokens, stem.dim)


def is_live(inputs: Inputs) -> Tensor:
    """`bool[R, L]`: an event rather than padding."""
    return inputs.history_outcome > 0


def log_age(inputs: Inputs) -> Tensor:
    """log(1 + seconds since the event) `[R, L]`."""
    return inputs.history_gap * 10.0
