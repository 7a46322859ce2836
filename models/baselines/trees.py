"""Gradient-boosted trees by LightGBM (Ke et al., NeurIPS 2017)."""

from typing import Final

import lightgbm as lgb
import numpy as np
from pydantic import Field

from models.baselines.baseline import Logits
from models.baselines.columns import Reads
from models.baselines.design import Design
from models.features.records import F32, I64

MAX_ROUNDS: Final = 1000
PATIENCE: Final = 30


class TreesConfig(Reads):
    """`max_values`: a categorical column with more distinct values in training is left out.

    A split on identities of a few rows each fits those rows alone: in the synthetic world, columns
    of 78 and 191 values take 0.06 off the AUC of trees with counters, which say the same better.
    """

    max_values: int = Field(default=64, ge=0)
    leaves: int = Field(default=15, gt=1)
    learning_rate: float = Field(default=0.1, gt=0)
    least_rows: int = Field(default=100, gt=0)  # in a leaf
    leaf_penalty: float = Field(default=10.0, ge=0)
    category_penalty: float = Field(default=50.0, ge=0)

    def fit(self, train: Design, validation: Design, task: int, seed: int) -> Logits:
        train, validation = train.known(task), validation.known(task)
        columns = few_valued(train, self.max_values)
        options = self._options(seed)
        learnt = lgb.Dataset(
            _table(train, columns, self),
            train.label(task),
            categorical_feature=list(range(len(columns))),
            params=options,
        )
        held_out = learnt.create_valid(
            _table(validation, columns, self), validation.label(task), params=options
        )
        stop = lgb.early_stopping(PATIENCE, verbose=False)
        booster = lgb.train(options, learnt, MAX_ROUNDS, valid_sets=[held_out], callbacks=[stop])

        def logits(design: Design) -> F32:
            scored = booster.predict(_table(design, columns, self), raw_score=True)
            return np.asarray(scored, np.float32)

        return logits

    def _options(self, seed: int) -> dict[str, object]:
        return {
            "objective": "binary",
            "metric": "binary_logloss",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.least_rows,
            "lambda_l2": self.leaf_penalty,
            "cat_smooth": self.category_penalty,
            "cat_l2": self.category_penalty,
            "seed": seed,
            "deterministic": True,  # whatever the number of threads
            "force_row_wise": True,  # else it times both ways and takes the faster
            "verbose": -1,
        }


def grid(counters: bool, match_length: int = 0) -> tuple[TreesConfig, ...]:
    shapes = ((7, 100), (15, 100), (31, 400))
    return tuple(
        TreesConfig(counters=counters, match_length=match_length, leaves=leaves, least_rows=rows)
        for leaves, rows in shapes
    )


def few_valued(design: Design, most: int) -> I64:
    """Categorical columns with at most so many distinct values."""
    distinct = [len(np.unique(column)) for column in design.categorical.T]
    return np.flatnonzero(np.array(distinct) <= most)


def _table(design: Design, columns: I64, reads: Reads) -> F32:
    keys = design.categorical[:, columns].astype(np.float32)
    return np.ascontiguousarray(np.concatenate([keys, design.numbers(reads)], axis=1))
