"""The factorization machine (Rendle, ICDM 2010) of degree two, fitted by mini-batches."""

from typing import Final

from torch import Tensor, nn

from models.baselines.baseline import Logits
from models.baselines.design import Design
from models.baselines.epochs import EpochsConfig, fitted
from models.baselines.fields import Fields, Table, pairs


class FactorizationConfig(EpochsConfig):
    def fit(self, train: Design, validation: Design, task: int, seed: int) -> Logits:
        return fitted(FactorizationMachine, self, train, validation, task, seed)


GRID: Final = tuple(
    FactorizationConfig(embedding_decay=decay, factors=factors)
    for factors in (4, 16)
    for decay in (1.0, 3.0)
)


class FactorizationMachine(nn.Module):
    def __init__(self, fields: Fields) -> None:
        super().__init__()
        self.fields = fields

    def forward(self, table: Table) -> Tensor:
        """Logits `[n]`."""
        embedded = self.fields(table)
        logit: Tensor = embedded.first_order + pairs(embedded.vectors)
        return logit
