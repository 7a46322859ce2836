"""DCN V2 (arXiv 2008.13535): explicit crosses of all columns, the history as a mean.

R requests, N candidates, W width of the crossed vector.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from models.inputs import Inputs
from models.layers.cross import CrossLayer
from models.schema import FeatureSchema, Frozen
from models.stem import Past, Stem
from models.students.din import mean_of_live
from models.students.sides import Sides


class Dcnv2Config(Frozen):
    family: Literal["dcnv2"] = "dcnv2"
    width: int = Field(default=16, gt=0)  # of an embedding
    event_width: int = Field(default=32, gt=0)
    user_width: int = Field(default=64, gt=0)  # of the user among what is crossed
    crosses: int = Field(default=2, gt=0)
    rank: int = Field(default=32, gt=0)


class Dcnv2(nn.Module):
    """The user is projected before it is crossed: a cross is paid for once a candidate."""

    def __init__(self, features: FeatureSchema, config: Dcnv2Config) -> None:
        super().__init__()
        self.stem = Stem(features, config.width)
        self.event = nn.Linear(self.stem.event_width, config.event_width)
        self.user_width = self.stem.user_width + config.event_width
        self.user = nn.Linear(self.user_width, config.user_width)
        crossed = config.user_width + self.stem.item.width + features.widths.item
        self.cross = nn.ModuleList(CrossLayer(crossed, config.rank) for _ in range(config.crosses))
        self.candidate_width = crossed

    def forward(self, inputs: Inputs) -> Sides:
        past = Past.of(inputs)
        history_re = mean_of_live(self.event(self.stem.events(past)), past.live)
        user = [*self.stem.user_side(inputs), history_re]
        user_nu = self.user(torch.cat(user, dim=-1)).index_select(0, inputs.request_index)
        item_ne = self.stem.item(inputs.item_categorical)
        x_nw = torch.cat([user_nu, item_ne, inputs.item_number], dim=-1)
        crossed_nw = x_nw
        for layer in self.cross:
            crossed_nw = layer(x_nw, crossed_nw)
        return Sides(user, [crossed_nw])
