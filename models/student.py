"""The model that answers: small, its user side computed once a request.

R requests, N candidates, H hidden width, T tasks.
"""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as fn

from models.inputs import Inputs
from models.schema import FeatureSchema, Frozen
from models.students.din import DinConfig
from models.students.families import ReaderConfig, reader_of
from models.students.hints import HintLayer


class StudentConfig(Frozen):
    features: FeatureSchema
    reader: ReaderConfig = DinConfig()
    hidden: int = Field(default=256, gt=1)
    seed: int = 0


class Represented(NamedTuple):
    hidden: Tensor  # [N, H / 2], what every head reads
    shortcut: Tensor | None  # [N, T], added to the serving head's logits


class Student(nn.Module):
    """Inputs → logits `[N, T]`. Reads the teacher's hints when the schema has a teacher_dim.

    Heads that only training needs read `represent` and live outside: they never reach a graph.
    """

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        features, hidden = config.features, config.hidden
        self.reader = reader_of(features, config.reader)
        self.from_user = nn.Linear(self.reader.user_width, hidden)
        self.from_candidate = nn.Linear(self.reader.candidate_width, hidden, bias=False)
        self.hints = HintLayer(features, hidden) if features.teacher_dim else None
        self.hidden = nn.Linear(hidden, hidden // 2)
        self.head = nn.Linear(hidden // 2, len(features.log.tasks))

    def forward(self, inputs: Inputs) -> Tensor:
        return self.answer(self.represent(inputs))

    def answer(self, represented: Represented) -> Tensor:
        """The serving head."""
        logit: Tensor = self.head(represented.hidden)
        return logit if represented.shortcut is None else logit + represented.shortcut

    def represent(self, inputs: Inputs) -> Represented:
        sides = self.reader(inputs)
        user_rh = self.from_user(torch.cat(sides.user, dim=-1))
        of_user_nh = user_rh.index_select(0, inputs.request_index)
        if self.hints is None:
            first_nh = of_user_nh + self.from_candidate(torch.cat(sides.candidate, -1))
            return Represented(self._deepened(first_nh), None)
        said = self.hints(inputs)
        # One product over both: a second one would write, read and add [N, H] again.
        both = torch.cat([*sides.candidate, *said.described], -1)
        weight = torch.cat([self.from_candidate.weight, self.hints.weight()], 1)
        return Represented(self._deepened(of_user_nh + fn.linear(both, weight)), said.shortcut)

    def _deepened(self, first_nh: Tensor) -> Tensor:
        return fn.relu(self.hidden(fn.relu(first_nh)))
