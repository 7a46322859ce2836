"""The log's columns as vectors: where every model begins.

R requests, N candidates, L events, F columns, d width of an embedding.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.inputs import Inputs
from models.layers.embedding import ColumnEmbedding
from models.schema import FeatureSchema, categorical

HOURS = 25
"""Rows of the hour of day, which every request has; row 0 would be a missing one."""


class Past(NamedTuple):
    """A user's events before they are embedded, newest last, padded in front with outcome 0."""

    categorical: Tensor  # int64 [R, L, F]
    outcome: Tensor  # int64 [R, L], bits as in models.features.records.History
    gap: Tensor  # [R, L] log(1 + seconds) / 10

    @classmethod
    def of(cls, inputs: Inputs) -> Self:
        return cls(inputs.history_categorical, inputs.history_outcome, inputs.history_gap)

    @property
    def live(self) -> Tensor:
        """`bool[R, L]`: an event rather than padding."""
        return self.outcome > 0

    @property
    def log_age(self) -> Tensor:
        """log(1 + seconds) `[R, L]`"""
        return self.gap * 10.0

    def newest(self, length: int) -> "Past":
        """The last `length`, padded in front when there are fewer."""
        missing = length - self.outcome.shape[1]
        if missing <= 0:
            return Past(*(values[:, -length:] for values in self))
        outcome, gap = (fn.pad(values, (missing, 0)) for values in (self.outcome, self.gap))
        return Past(fn.pad(self.categorical, (0, 0, missing, 0)), outcome, gap)

    def taken(self, rows_rt: Tensor) -> "Past":
        """Events `rows_rt` `[R, T]` of each user."""
        columns = rows_rt.unsqueeze(-1).expand(-1, -1, self.categorical.shape[-1])
        return Past(
            self.categorical.gather(1, columns),
            self.outcome.gather(1, rows_rt),
            self.gap.gather(1, rows_rt),
        )


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

    def events(self, past: Past) -> Tensor:
        """`[R, L, event_width]`; padding too has a vector."""
        described = [
            self.item(past.categorical),
            self.outcome(past.outcome),
            past.gap.unsqueeze(-1),
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
