"""The model that only ever runs backstage: long history, all fields, crosses, an embedding z.

R requests, N candidates, L events, d width of a token, W width of the concatenated input, T tasks.
"""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as fn

from models.backbones.families import BackboneConfig, UserSide
from models.candidate_tokens import CandidateTokens
from models.inputs import Inputs
from models.layers.cross import CrossLayer
from models.layers.matryoshka import Matryoshka
from models.schema import FeatureSchema, Frozen
from models.stem import Stem


class TeacherConfig(Frozen):
    features: FeatureSchema
    backbone: BackboneConfig
    hidden: int = Field(default=192, gt=0)
    cross_rank: int = Field(default=32, gt=0)
    interactions: int = Field(default=1, ge=0)
    interacted: int = Field(default=8, gt=0)  # tokens of an interaction
    z_dim: int = Field(default=32, ge=8)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    seed: int = 0

    @property
    def prefixes(self) -> tuple[int, ...]:
        """Of z, each usable by itself: halves down to 8."""
        return tuple(self.z_dim >> step for step in (2, 1, 0) if self.z_dim >> step >= 8)


class TeacherOutputs(NamedTuple):
    logit: Tensor  # [N, T]
    z: Tensor  # [N, z_dim]
    activation: Tensor  # [N, hidden], the first hidden layer, which z is taken from


class Teacher(nn.Module):
    """z comes from the first hidden layer: deeper ones hold little beyond the logit."""

    def __init__(self, config: TeacherConfig) -> None:
        super().__init__()
        features, width = config.features, config.backbone.width
        self.stem = Stem(features, width)
        self.user_side = UserSide(config.backbone, self.stem)
        self.candidates = CandidateTokens(features, config.backbone, self.stem)
        flat = self.stem.user_width + self.candidates.width
        self.cross = nn.ModuleList(CrossLayer(flat, config.cross_rank) for _ in range(2))
        counts = [self.candidates.tokens] + [config.interacted] * config.interactions
        self.interactions = nn.ModuleList(
            self.user_side.interact(tokens, config.interacted) for tokens in counts[:-1]
        )
        self.first = nn.Linear(2 * flat + counts[-1] * width, config.hidden)
        self.second = nn.Linear(config.hidden, config.hidden // 2)
        self.head = nn.Linear(config.hidden // 2, len(features.log.tasks))
        self.bottleneck = Matryoshka(config.hidden, config.z_dim, config.prefixes)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, inputs: Inputs) -> TeacherOutputs:
        activation = fn.gelu(self.first(self._interacted(inputs)))
        logit = self.head(fn.gelu(self.second(self.dropout(activation))))
        return TeacherOutputs(logit, self.bottleneck(activation), activation)

    def _interacted(self, inputs: Inputs) -> Tensor:
        """`[N, …]` of the columns, their crosses, and the tokens after they met."""
        user_rw = torch.cat(self.stem.user_side(inputs), dim=-1)
        told = self.candidates(self.stem, inputs, self.user_side(self.stem, inputs))
        x_nw = self.dropout(torch.cat([user_rw[inputs.request_index], told.flat], dim=-1))
        crossed_nw = x_nw
        for layer in self.cross:
            crossed_nw = layer(x_nw, crossed_nw)
        tokens_nkd = told.tokens
        for interaction in self.interactions:
            tokens_nkd = interaction(tokens_nkd)
        return torch.cat([x_nw, crossed_nw, tokens_nkd.flatten(1)], dim=-1)
