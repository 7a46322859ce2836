"""DIN (arXiv 1706.06978): each candidate attends to its user's events, here by dot products.

R requests, N candidates, L events, E event width.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.inputs import Inputs
from models.layers.target_attention import attend
from models.schema import FeatureSchema, Frozen
from models.stem import Past, Stem
from models.students.sides import Sides


class DinConfig(Frozen):
    family: Literal["din"] = "din"
    width: int = Field(default=16, gt=0)  # of an embedding
    event_width: int = Field(default=64, gt=0)


class Din(nn.Module):
    def __init__(self, features: FeatureSchema, config: DinConfig) -> None:
        super().__init__()
        self.stem = Stem(features, config.width)
        self.event = nn.Linear(self.stem.event_width, config.event_width)
        self.query = nn.Linear(self.stem.item.width, config.event_width)
        self.user_width = self.stem.user_width + config.event_width
        self.candidate_width = self.stem.item.width + features.widths.item + config.event_width

    def forward(self, inputs: Inputs) -> Sides:
        past = Past.of(inputs)
        events_rle, live_rl = self.event(self.stem.events(past)), past.live
        item_ne = self.stem.item(inputs.item_categorical)
        groups = (inputs.group_rows, inputs.group_place)
        read_ne = attend(self.query(item_ne), events_rle, live_rl, *groups)
        return Sides(
            [*self.stem.user_side(inputs), mean_of_live(events_rle, live_rl)],
            [item_ne, inputs.item_number, read_ne],
        )


def mean_of_live(events_rle: Tensor, live_rl: Tensor) -> Tensor:
    """`[R, E]`, zeros for a request without events."""
    weight = live_rl.unsqueeze(-1).float()
    return (events_rle * weight).sum(1) / torch.clamp(weight.sum(1), min=1.0)
