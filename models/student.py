"""The model that answers: small, its user side computed once a request.

R requests, N candidates, L events, D event width, H hidden width, T tasks.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.inputs import Inputs
from models.layers.embedding import ColumnEmbedding
from models.layers.target_attention import attend
from models.schema import TIERS, FeatureSchema, categorical


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentConfig:
    schema: FeatureSchema
    embedding_dim: int = 16
    event_width: int = 64
    hidden: int = 256
    seed: int = 0


class Student(nn.Module):
    """Inputs → logits `[N, T]`. Reads the teacher's hints when the schema has a teacher_dim."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        schema, dim = config.schema, config.embedding_dim
        log, widths = schema.log, schema.widths
        tasks = len(log.tasks)
        items = [column.buckets for column in categorical(log.item)]
        users = [column.buckets for column in categorical(log.user)]
        contexts = [25, *(column.buckets for column in categorical(log.context))]
        self.item = ColumnEmbedding(items, dim)
        self.user = ColumnEmbedding(users, dim)
        self.context = ColumnEmbedding(contexts, dim)
        self.outcome = nn.Embedding(2 << tasks, dim)
        self.event = nn.Linear(self.item.width + dim + 1, config.event_width)
        self.query = nn.Linear(self.item.width, config.event_width)
        user_side = self.user.width + widths.user + self.context.width + widths.context
        candidate_side = self.item.width + widths.item + config.event_width
        self.from_user = nn.Linear(user_side + config.event_width, config.hidden)
        self.from_candidate = nn.Linear(candidate_side, config.hidden, bias=False)
        self.hints = HintLayer(schema, config.hidden) if schema.teacher_dim else None
        self.hidden = nn.Linear(config.hidden, config.hidden // 2)
        self.head = nn.Linear(config.hidden // 2, tasks)

    def forward(self, inputs: Inputs) -> Tensor:
        events_rld, live_rl = self._events(inputs)
        user_rh = self._user_side(inputs, events_rld, live_rl)
        candidate = self._candidate_side(inputs, events_rld, live_rl)
        of_user_nh = user_rh.index_select(0, inputs.request_index)
        if self.hints is None:
            return self._head(of_user_nh + self.from_candidate(torch.cat(candidate, -1)))
        said = self.hints(inputs)
        # One product over both: a second one would write, read and add [N, H] again.
        both = torch.cat([*candidate, *said.described], -1)
        weight = torch.cat([self.from_candidate.weight, self.hints.weight()], 1)
        logits: Tensor = self._head(of_user_nh + fn.linear(both, weight)) + said.shortcut
        return logits

    def _head(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.head(fn.relu(self.hidden(fn.relu(hidden))))
        return logits

    def _events(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        described = [
            self.item(inputs.history_categorical),
            self.outcome(inputs.history_outcome),
            inputs.history_gap.unsqueeze(-1),
        ]
        events: Tensor = self.event(torch.cat(described, dim=-1))
        return events, inputs.history_outcome > 0

    def _user_side(self, inputs: Inputs, events_rld: Tensor, live_rl: Tensor) -> Tensor:
        weight = live_rl.unsqueeze(-1).float()
        mean_rd = (events_rld * weight).sum(1) / weight.sum(1).clamp(min=1.0)
        described = [
            self.user(inputs.user_categorical),
            inputs.user_number,
            self.context(inputs.context_categorical),
            inputs.context_number,
            mean_rd,
        ]
        side: Tensor = self.from_user(torch.cat(described, dim=-1))
        return side

    def _candidate_side(self, inputs: Inputs, events_rld: Tensor, live_rl: Tensor) -> list[Tensor]:
        item_ne = self.item(inputs.item_categorical)
        groups = (inputs.group_rows, inputs.group_place)
        read_nd = attend(self.query(item_ne), events_rld, live_rl, *groups)
        return [item_ne, inputs.item_number, read_nd]


class Said(NamedTuple):
    described: list[Tensor]  # [N, …] each, side by side what HintLayer.weight reads
    shortcut: Tensor  # [N, T]


class HintLayer(nn.Module):
    """The teacher's z, logit, tier and age into the hidden layer, and a linear shortcut.

    A z of this very item and a mean over others are different statements, so each has weights of
    its own. The shortcut starts at zero and sees only what is said of the item.
    """

    is_of_item: Tensor
    tiers: Tensor

    def __init__(self, schema: FeatureSchema, hidden: int) -> None:
        super().__init__()
        tasks, dim = len(schema.log.tasks), schema.teacher_dim
        self.tier = nn.Embedding(len(TIERS), hidden)
        self.into = nn.Linear(2 * dim + tasks + 2, hidden, bias=False)
        self.past = nn.Linear(dim + tasks, tasks, bias=False)
        nn.init.zeros_(self.tier.weight)
        nn.init.zeros_(self.past.weight)
        # Looked up: one gather each in the graph, where comparing takes three operations.
        about_item = [float(tier > TIERS.index("user")) for tier in range(len(TIERS))]
        self.register_buffer("is_of_item", torch.tensor(about_item).unsqueeze(1), persistent=False)
        self.register_buffer("tiers", torch.eye(len(TIERS)), persistent=False)

    def weight(self) -> Tensor:
        """`[H, …]` of what forward describes."""
        return torch.cat([self.into.weight, self.tier.weight.T], 1)

    def forward(self, inputs: Inputs) -> Said:
        z, logit = inputs.teacher_z, inputs.teacher_logit
        tier, state = inputs.teacher_tier, inputs.teacher_state
        assert z is not None
        assert logit is not None
        assert tier is not None
        assert state is not None
        is_of_item = fn.embedding(tier, self.is_of_item)
        of_item = torch.cat([z * is_of_item, logit / 4.0], dim=-1)
        one_hot = fn.embedding(tier, self.tiers)
        described = [of_item, z * (1.0 - is_of_item), state, one_hot]
        return Said(described, self.past(of_item))
