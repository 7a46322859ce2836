"""What of a user's past has to do with a candidate: how often its values came, and what a teacher
said then (LoopFM, arXiv 2605.29280).

The paper attends to the sequence by learned similarity. Here the events that share a column's
value are averaged, column by column: a learned query finds them badly, for identity embeddings have
to decay hard (docs/quality.md has both).

R requests, N candidates, L events, F item columns, C kinds of outcome, P width of a projected z.
"""

import torch
from torch import Tensor, nn

from models.inputs import Inputs
from models.layers.matched_events import kinds_of, matched_sums
from models.layers.target_attention import ungroup
from models.schema import FeatureSchema, categorical

SAID = 8
"""Numbers that a z of the past is projected to."""


class Matches(nn.Module):
    """`[N, width]`: by column log counts, then means of what was said, zeros where nothing was."""

    def __init__(self, features: FeatureSchema, reads_said: bool) -> None:
        super().__init__()
        columns = len(categorical(features.log.item))
        self.kinds = 1 + len(features.log.tasks)
        self.said = nn.Linear(features.teacher_dim, SAID, bias=False) if reads_said else None
        self.width = columns * (self.kinds + (SAID if reads_said else 0))

    def forward(self, inputs: Inputs) -> Tensor:
        kinds_rlc = kinds_of(inputs.history_outcome, self.kinds)
        if self.said is None:
            return self._told(torch.log1p(self._sums(inputs, kinds_rlc)), inputs)
        assert inputs.history_z is not None
        assert inputs.history_said is not None
        # Zeros where nothing was said, and the number of what was said out of the same product.
        values = [kinds_rlc, self.said(inputs.history_z), inputs.history_said.unsqueeze(-1)]
        sums = self._sums(inputs, torch.cat(values, -1))
        counts, said, number = sums.split([self.kinds, SAID, 1], dim=-1)
        told = torch.cat([torch.log1p(counts), said / number.clamp(min=1.0)], -1)
        return self._told(told, inputs)

    def _sums(self, inputs: Inputs, values_rlp: Tensor) -> Tensor:
        rows = inputs.group_rows
        return matched_sums(inputs.item_categorical, inputs.history_categorical, values_rlp, rows)

    def _told(self, of_columns_rkfp: Tensor, inputs: Inputs) -> Tensor:
        return ungroup(of_columns_rkfp.flatten(2), inputs.group_place)
