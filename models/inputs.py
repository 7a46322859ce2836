"""Feature arrays as the tensors of one batch, under the schema's own names."""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from models.features.records import Arrays


class Inputs(NamedTuple):
    """Shapes as in FeatureSchema.inputs(); the teacher's are None for a model that reads none."""

    user_categorical: Tensor
    user_number: Tensor
    context_categorical: Tensor
    context_number: Tensor
    history_categorical: Tensor
    history_outcome: Tensor
    history_gap: Tensor
    request_index: Tensor
    group_rows: Tensor
    group_place: Tensor
    item_categorical: Tensor
    item_number: Tensor
    teacher_z: Tensor | None = None
    teacher_logit: Tensor | None = None
    teacher_tier: Tensor | None = None
    teacher_state: Tensor | None = None
    history_z: Tensor | None = None
    history_said: Tensor | None = None

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        return cls(**{name: torch.from_numpy(array) for name, array in arrays.items()})
