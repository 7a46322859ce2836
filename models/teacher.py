"""The model that only ever runs backstage: long history, all fields, crosses, an embedding z.

R requests, N candidates, L events, D event width, W width of the concatenated input, T tasks.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.inputs import Inputs
from models.layers.bottleneck import Bottleneck
from models.layers.cross import CrossLayer
from models.layers.embedding import ColumnEmbedding
from models.layers.history_match import match_counts
from models.layers.target_attention import attend
from models.schema import FeatureSchema, categorical


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherConfig:
    schema: FeatureSchema
    embedding_dim: int = 16
    event_width: int = 64
    hidden: int = 192
    cross_rank: int = 32
    z_dim: int = 32
    dropout: float = 0.1
    seed: int = 0


class TeacherOutputs(NamedTuple):
    logit: Tensor  # [N, T]
    z: Tensor  # [N, z_dim]
    activation: Tensor  # [N, hidden], the first hidden layer, which z is taken from


class Teacher(nn.Module):
    """z comes from the first hidden layer: deeper ones hold little beyond the logit."""

    def __init__(self, config: TeacherConfig) -> None:
        super().__init__()
        schema, dim = config.schema, config.embedding_dim
        log, widths = schema.log, schema.widths
        self.kinds = 1 + len(log.tasks)
        items = [column.buckets for column in categorical(log.item)]
        users = [column.buckets for column in categorical(log.user)]
        contexts = [25, *(column.buckets for column in categorical(log.context))]
        self.item = ColumnEmbedding(items, dim)
        self.user = ColumnEmbedding(users, dim)
        self.context = ColumnEmbedding(contexts, dim)
        self.outcome = nn.Embedding(2 << len(log.tasks), dim)
        self.event = nn.Linear(self.item.width + dim + 1, config.event_width)
        self.query = nn.Linear(self.item.width + self.context.width, config.event_width)
        self.user_width = self.user.width + widths.user + self.context.width + widths.context
        matches = len(items) * self.kinds
        width = self.user_width + self.item.width + widths.item + config.event_width + matches
        self.cross = nn.ModuleList(CrossLayer(width, config.cross_rank) for _ in range(2))
        self.first = nn.Linear(2 * width, config.hidden)
        self.second = nn.Linear(config.hidden, config.hidden // 2)
        self.head = nn.Linear(config.hidden // 2, len(log.tasks))
        self.bottleneck = Bottleneck(config.hidden, config.z_dim)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, inputs: Inputs) -> TeacherOutputs:
        x_nw = self.dropout(self._concatenated(inputs))
        crossed_nw = x_nw
        for layer in self.cross:
            crossed_nw = layer(x_nw, crossed_nw)
        activation = fn.gelu(self.first(torch.cat([x_nw, crossed_nw], dim=-1)))
        logit = self.head(fn.gelu(self.second(self.dropout(activation))))
        return TeacherOutputs(logit, self.bottleneck(activation), activation)

    def _concatenated(self, inputs: Inputs) -> Tensor:
        index = inputs.request_index
        item_ne = self.item(inputs.item_categorical)
        context_re = self.context(inputs.context_categorical)
        user_rw = torch.cat(
            [
                self.user(inputs.user_categorical),
                inputs.user_number,
                context_re,
                inputs.context_number,
            ],
            dim=-1,
        )
        query_nd = self.query(torch.cat([item_ne, context_re[index]], dim=-1))
        groups = (inputs.group_rows, inputs.group_place)
        read_nd = attend(query_nd, self._events(inputs), inputs.history_outcome > 0, *groups)
        matches = match_counts(
            inputs.item_categorical,
            inputs.history_categorical,
            inputs.history_outcome,
            *groups,
            self.kinds,
        )
        return torch.cat([user_rw[index], item_ne, inputs.item_number, read_nd, matches], dim=-1)

    def _events(self, inputs: Inputs) -> Tensor:
        described = [
            self.item(inputs.history_categorical),
            self.outcome(inputs.history_outcome),
            inputs.history_gap.unsqueeze(-1),
        ]
        events: Tensor = self.event(torch.cat(described, dim=-1))
        return events
