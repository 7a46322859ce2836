"""A candidate beside what was understood of its user: flat for crosses, as tokens for attention.

R requests, N candidates, D width of a sequence, d width of a token.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.backbones.families import BackboneConfig
from models.backbones.understood import Understood
from models.inputs import Inputs
from models.layers.history_match import match_counts
from models.layers.target_attention import attend
from models.schema import FeatureSchema, categorical
from models.stem import Stem


class Told(NamedTuple):
    flat: Tensor  # [N, width]
    tokens: Tensor  # [N, tokens, d]


class CandidateTokens(nn.Module):
    """The item's columns, its numbers, what it reads in each sequence, how often the user met its
    values before, and the user's summary."""

    def __init__(self, features: FeatureSchema, config: BackboneConfig, stem: Stem) -> None:
        super().__init__()
        columns = len(categorical(features.log.item))
        self.kinds = 1 + len(features.log.tasks)
        numbers = features.widths.item + columns * self.kinds
        asked = stem.item.width + stem.context.width
        widths = config.event_widths
        self.queries = nn.ModuleList(nn.Linear(asked, width) for width in widths)
        self.reads = nn.ModuleList(nn.Linear(width, stem.dim) for width in widths)
        self.number = nn.Linear(numbers, stem.dim)
        self.width = stem.item.width + numbers + sum(widths)
        self.tokens = columns + 1 + len(widths) + config.summary_tokens

    def forward(self, stem: Stem, inputs: Inputs, understood: Understood) -> Told:
        item_ne = stem.item(inputs.item_categorical)
        numbers = torch.cat([inputs.item_number, self._matches(inputs)], dim=-1)
        read = self._read(stem, inputs, item_ne, understood)
        tokens = [
            item_ne.unflatten(-1, (-1, stem.dim)),
            self.number(numbers).unsqueeze(1),
            *(into(values).unsqueeze(1) for into, values in zip(self.reads, read, strict=True)),
            understood.summary[inputs.request_index],
        ]
        return Told(torch.cat([item_ne, numbers, *read], dim=-1), torch.cat(tokens, dim=1))

    def _read(
        self, stem: Stem, inputs: Inputs, item_ne: Tensor, understood: Understood
    ) -> list[Tensor]:
        """`[N, D]` of each sequence."""
        context_re = stem.context(inputs.context_categorical)
        asked = torch.cat([item_ne, context_re[inputs.request_index]], dim=-1)
        groups = (inputs.group_rows, inputs.group_place)
        return [
            attend(query(asked), events.values, events.live, *groups)
            for query, events in zip(self.queries, understood.events, strict=True)
        ]

    def _matches(self, inputs: Inputs) -> Tensor:
        return match_counts(
            inputs.item_categorical,
            inputs.history_categorical,
            inputs.history_outcome,
            inputs.group_rows,
            inputs.group_place,
            self.kinds,
        )
