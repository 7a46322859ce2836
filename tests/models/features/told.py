"""What is told of items, and what a store makes of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from models.features.hashing import key64
from models.features.item_status import STATUSES, Status
from models.features.records import F32, I64, U8, U64
from models.schema import Column, FeatureSchema, LogSchema

LOG = LogSchema(
    tasks=("click",),
    item=(
        Column(name="brand", kind="categorical", buckets=97),
        Column(name="price", kind="number"),
    ),
)
SCHEMA = FeatureSchema(log=LOG, history_length=4, prior_rates=(0.1,))


class Word(NamedTuple):
    """One telling: a brand and a price, or nothing of the columns."""

    item: int
    status: Status
    at: int
    brand: str | None = None
    price: float = 0.0


class Words(NamedTuple):
    """Satisfies ItemChanges."""

    keys: U64
    status: U8
    status_at: I64
    columns_at: I64
    columns: U64
    numbers: F32


def key_of(item: int) -> int:
    return key64(f"item-{item}")


@dataclass
class Known:
    """One item as the store holds it: of status and of columns the later word."""

    status: Status = "active"
    status_at: int = 0
    brand: str | None = None
    price: float = 0.0
    columns_at: int = 0

    def hear(self, word: Word) -> None:
        if word.at >= self.status_at:
            self.status, self.status_at = word.status, word.at
        if word.brand and word.at >= self.columns_at:
            self.brand, self.price, self.columns_at = word.brand, word.price, word.at


@dataclass
class Store:
    """What writers of the catalogue's table make of what they are told."""

    items: dict[int, Known] = field(default_factory=dict)

    def hear(self, told: Iterable[Word]) -> Words:
        """The rows that are told on."""
        told = list(told)
        for word in told:
            self.items.setdefault(word.item, Known()).hear(word)
        return self.table(word.item for word in told)

    def table(self, items: Iterable[int] | None = None) -> Words:
        of = sorted(self.items if items is None else items, key=key_of)
        rows = [self.items[item] for item in of]
        return Words(
            np.array([key_of(item) for item in of], np.uint64),
            np.array([STATUSES.index(row.status) for row in rows], np.uint8),
            np.array([row.status_at for row in rows], np.int64),
            np.array([row.columns_at for row in rows], np.int64),
            np.array([[key64(row.brand or "")] for row in rows], np.uint64).reshape(-1, 1),
            np.array([[row.price] for row in rows], np.float32).reshape(-1, 1),
        )


def words(*told: Word) -> Words:
    """As a store that was told nothing else tells it on."""
    return Store().hear(told)
