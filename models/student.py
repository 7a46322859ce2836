"""The model that answers: small, its user side computed once a request.

R requests, N candidates, H hidden width, T tasks.
"""

from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as fn

from models.inputs import Inputs
from models.schema import FeatureSchema, Frozen
from models.students.din import DinConfig
from models.students.families import ReaderConfig, reader_of
from models.students.hints import HintLayer
from models.students.matches import Matches
from models.students.past import AttendedPast, SummedPast
from models.students.sides import Sides

SequenceReading = Literal["matched", "sum", "attention"]


class StudentConfig(Frozen):
    features: FeatureSchema
    reader: ReaderConfig = DinConfig()
    sequence: SequenceReading = "matched"  # how what a teacher said of the past is read
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
        reading = config.sequence if features.reads_sequence else None
        self.reader = reader_of(features, config.reader)
        self.matches = Matches(features, reading == "matched")
        width = self.reader.candidate_width + self.matches.width
        self.from_user = nn.Linear(self.reader.user_width, hidden)
        self.from_candidate = nn.Linear(width, hidden, bias=False)
        self.hints = HintLayer(features, hidden) if features.teacher_dim else None
        self.summed = SummedPast(features, hidden) if reading == "sum" else None
        self.attended = AttendedPast(features, width, hidden) if reading == "attention" else None
        self.hidden = nn.Linear(hidden, hidden // 2)
        self.head = nn.Linear(hidden // 2, len(features.log.tasks))

    def forward(self, inputs: Inputs) -> Tensor:
        return self.answer(self.represent(inputs))

    def answer(self, represented: Represented) -> Tensor:
        """The serving head."""
        logit: Tensor = self.head(represented.hidden)
        return logit if represented.shortcut is None else logit + represented.shortcut

    def read(self, inputs: Inputs) -> Sides:
        """All of user and candidates that no cache has a say in."""
        sides: Sides = self.reader(inputs)
        return sides

    def represent(self, inputs: Inputs, sides: Sides | None = None) -> Represented:
        """`sides`, where they were read already: of inputs that differ in the cache's answer."""
        sides = sides or self.read(inputs)
        user_rh = self.from_user(torch.cat(sides.user, dim=-1))
        if self.summed is not None:
            user_rh = user_rh + self.summed(inputs)
        of_user_nh = user_rh.index_select(0, inputs.request_index)
        candidate = [*sides.candidate, self.matches(inputs)]
        described, weights, shortcut = [*candidate], [self.from_candidate.weight], None
        if self.hints is not None:
            said = self.hints(inputs)
            described += said.described
            weights.append(self.hints.weight())
            shortcut = said.shortcut
        if self.attended is not None:
            described.append(self.attended(inputs, candidate))
            weights.append(self.attended.into.weight)
        # One product over all: a second one would write, read and add [N, H] again.
        first_nh = of_user_nh + fn.linear(torch.cat(described, -1), torch.cat(weights, 1))
        return Represented(self._deepened(first_nh), shortcut)

    def _deepened(self, first_nh: Tensor) -> Tensor:
        return fn.relu(self.hidden(fn.relu(first_nh)))
