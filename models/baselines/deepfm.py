"""DeepFM (arXiv 1703.04247): a factorization machine and a deep network over the same vectors."""

from functools import partial
from typing import Final

from pydantic import Field
from torch import Tensor, nn

from models.baselines.baseline import Logits
from models.baselines.design import Design
from models.baselines.epochs import EpochsConfig, fitted
from models.baselines.fields import Fields, Table, pairs


class DeepFmConfig(EpochsConfig):
    hidden: tuple[int, ...] = (128, 64)
    dropout: float = Field(default=0.2, ge=0, lt=1)

    def fit(self, train: Design, validation: Design, task: int, seed: int) -> Logits:
        build = partial(DeepFm, config=self)
        return fitted(build, self, train, validation, task, seed)


GRID: Final = tuple(
    DeepFmConfig(learning_rate=3e-3, embedding_decay=decay) for decay in (1.0, 3.0, 10.0, 30.0)
)


class DeepFm(nn.Module):
    def __init__(self, fields: Fields, config: DeepFmConfig) -> None:
        super().__init__()
        self.fields = fields
        widths = [fields.count * fields.factors, *config.hidden]
        layers = [
            nn.Sequential(nn.Linear(width, into), nn.ReLU(), nn.Dropout(config.dropout))
            for width, into in zip(widths, config.hidden, strict=False)
        ]
        self.deep = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, table: Table) -> Tensor:
        """Logits `[n]`."""
        embedded = self.fields(table)
        deep = self.deep(embedded.vectors.flatten(1)).squeeze(-1)
        logit: Tensor = embedded.first_order + pairs(embedded.vectors) + deep
        return logit
