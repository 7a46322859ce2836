"""A catalogue's columns as one schema reads them."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from models.features.catalogue import Catalogue
from models.features.counters import Prior
from models.features.encoding import EncodedColumns, Encoding
from models.features.records import F32, I64
from models.features.tailed import take
from models.schema import FeatureSchema


@dataclass(frozen=True, slots=True)
class ItemTable:
    """Encoded once for one schema, so that a request only gathers rows, with what else does not
    change from request to request."""

    encoded: EncodedColumns  # [M + 1, …]
    tail: EncodedColumns  # of rows M + 1 and on
    item: Encoding
    request: Encoding  # user columns, then context columns
    prior: Prior

    @classmethod
    def of(cls, schema: FeatureSchema, catalogue: Catalogue) -> Self:
        item, encoded = Encoding.of(schema.log.item), catalogue.encoded
        if encoded is None or catalogue.schema.item != schema.log.item:
            encoded = item.encoded(catalogue.columns, catalogue.numbers)
        return cls(
            encoded,
            EncodedColumns(encoded.categorical[:0], encoded.numbers[:0]),
            item,
            Encoding.of(schema.log.user + schema.log.context),
            Prior.of(schema.prior_rates),
        )

    def with_tail(self, tail: EncodedColumns) -> Self:
        return replace(self, tail=tail)

    def categorical(self, rows: I64) -> I64:
        """`[…]` rows → `[…, F]` embedding rows."""
        return take(self.encoded.categorical, self.tail.categorical, rows).astype(np.int64)

    def numbers(self, rows: I64) -> F32:
        """`[…]` rows → `[…, G]`."""
        return take(self.encoded.numbers, self.tail.numbers, rows)
