"""Mini-batch training of a torch baseline on a design, the best epoch by validation kept."""

import copy
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import torch
from pydantic import Field
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional as fn

from models.baselines.baseline import Logits
from models.baselines.columns import Reads
from models.baselines.design import Design
from models.baselines.fields import Fields, Table
from models.distillation import seeded
from models.examples import RATE_BOUND
from models.training.optimizer import adamw

PREDICTED_ROWS: Final = 1 << 14
WEIGHT_DECAY: Final = 1e-4
Build = Callable[[Fields], nn.Module]
"""The fields of a design → an unfitted module that makes logits `[n]` of a Table."""


class EpochsConfig(Reads):
    factors: int = Field(default=8, gt=0)
    epochs: int = Field(default=5, gt=0)
    batch_rows: int = Field(default=1024, gt=0)
    learning_rate: float = Field(default=2e-3, gt=0)
    embedding_decay: float = Field(default=3.0, ge=0)


class Encoder(NamedTuple):
    """Design → Table, numbers standardised as in training."""

    scaler: StandardScaler
    reads: Reads

    def table(self, design: Design) -> Table:
        scaled = self.scaler.transform(design.numbers(self.reads)).astype(np.float32)
        return Table(torch.from_numpy(design.categorical), torch.from_numpy(scaled))


class Rows(NamedTuple):
    table: Table
    labels: Tensor  # [n] of 0 and 1


def fitted(
    build: Build, config: EpochsConfig, train: Design, validation: Design, task: int, seed: int
) -> Logits:
    rng = seeded(seed)
    train, validation = train.known(task), validation.known(task)
    encoder = Encoder(StandardScaler().fit(train.numbers(config)), config)
    learnt, held_out = (
        Rows(encoder.table(design), torch.from_numpy(design.label(task)))
        for design in (train, validation)
    )
    model = build(_fields(train, config, float(learnt.labels.mean())))
    _fit(model, config, learnt, held_out, rng)
    return lambda design: predicted(model, encoder.table(design)).numpy()


def predicted(model: nn.Module, table: Table) -> Tensor:
    model.eval()
    starts = range(0, len(table.categorical), PREDICTED_ROWS)
    with torch.inference_mode():
        parts = [model(_taken(table, slice(start, start + PREDICTED_ROWS))) for start in starts]
    return torch.cat(parts)


def _fields(train: Design, config: EpochsConfig, rate: float) -> Fields:
    columns = train.columns
    fields = Fields(columns.buckets, len(columns.numbers(config)), config.factors)
    fields.start_at(min(max(rate, RATE_BOUND), 1.0 - RATE_BOUND))
    return fields


def _fit(
    model: nn.Module, config: EpochsConfig, learnt: Rows, held_out: Rows, rng: np.random.Generator
) -> None:
    optimizer = adamw(
        model,
        learning_rate=config.learning_rate,
        embedding_decay=config.embedding_decay,
        weight_decay=WEIGHT_DECAY,
    )
    best, losses = copy.deepcopy(model.state_dict()), list[float]()
    for _ in range(config.epochs):
        order = torch.from_numpy(rng.permutation(len(learnt.labels)))
        _epoch(model, learnt, order.split(config.batch_rows), optimizer)
        logit = predicted(model, held_out.table)
        losses.append(float(fn.binary_cross_entropy_with_logits(logit, held_out.labels)))
        if losses[-1] == min(losses):
            best = copy.deepcopy(model.state_dict())
    model.load_state_dict(best)


def _epoch(
    model: nn.Module,
    learnt: Rows,
    batches: tuple[Tensor, ...],
    optimizer: torch.optim.Optimizer,
) -> None:
    model.train()
    for rows in batches:
        optimizer.zero_grad(set_to_none=True)
        logit = model(_taken(learnt.table, rows))
        fn.binary_cross_entropy_with_logits(logit, learnt.labels[rows]).backward()
        optimizer.step()


def _taken(table: Table, rows: Tensor | slice) -> Table:
    return Table(table.categorical[rows], table.numbers[rows])
