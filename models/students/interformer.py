"""An InterFormer (arXiv 2411.09852) within a budget: its layers run once a request, a candidate
attends to what they made of the events and meets their summary in dot products.

R requests, N candidates, T events, d width, m summary tokens.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from models.backbones.families import UserSide
from models.backbones.interformer import InterFormerConfig
from models.inputs import Inputs
from models.layers.target_attention import attend
from models.schema import FeatureSchema, Frozen
from models.stem import Stem
from models.students.sides import Sides


class InterFormerStudentConfig(Frozen):
    family: Literal["interformer"] = "interformer"
    backbone: InterFormerConfig = InterFormerConfig(width=16, heads=2, layers=1, length=50)
    matched: int = Field(default=16, gt=0)  # products of an item with the user's summary


class InterFormerStudent(nn.Module):
    def __init__(self, features: FeatureSchema, config: InterFormerStudentConfig) -> None:
        super().__init__()
        width, summary = config.backbone.width, config.backbone.summary_tokens
        self.stem = Stem(features, width)
        self.understand = UserSide(config.backbone, self.stem)
        self.query = nn.Linear(self.stem.item.width, width)
        self.of_item = nn.Linear(self.stem.item.width, config.matched)
        self.of_user = nn.Linear(summary * width, config.matched)
        self.user_width = self.stem.user_width + summary * width
        self.candidate_width = self.stem.item.width + features.widths.item + width + config.matched

    def forward(self, inputs: Inputs) -> Sides:
        understood = self.understand(self.stem, inputs)
        summary_rs, events = understood.summary.flatten(1), understood.events[0]
        item_ne = self.stem.item(inputs.item_categorical)
        groups = (inputs.group_rows, inputs.group_place)
        read_nd = attend(self.query(item_ne), events.values, events.live, *groups)
        wanted_nm = self.of_user(summary_rs).index_select(0, inputs.request_index)
        matched_nm = torch.tanh(self.of_item(item_ne)) * wanted_nm
        return Sides(
            [*self.stem.user_side(inputs), summary_rs],
            [item_ne, inputs.item_number, read_nd, matched_nm],
        )
