"""The catalogue as of one instant."""

from dataclasses import dataclass

from models.features.catalogue import Catalogue
from models.features.counted import Counted
from models.features.delta import Delta
from models.features.item_status import ACTIVE
from models.features.item_table import ItemTable
from models.features.records import I64, U64, Mask
from models.features.tailed import take


@dataclass(frozen=True, slots=True)
class View:
    """M items of the file, the row of zeros for unknown ones, then the delta's items by slot: a row
    means what it means in this view alone."""

    base: Catalogue
    delta: Delta
    table: ItemTable
    tail: Counted  # of the delta's items, by slot
    added: int  # items of the delta that the file does not have
    has_withdrawn: bool

    def __len__(self) -> int:
        return len(self.base) + self.added

    @property
    def unknown(self) -> int:
        """The row of zeros."""
        return len(self.base)

    def rows(self, keys: U64) -> I64:
        """Rows of any shape of keys."""
        return self.moved(keys, self.base.rows(keys))

    def moved(self, keys: U64, rows: I64) -> I64:
        """Rows of these keys, from those that the file has for them."""
        return self.delta.over(keys, rows, len(self.base) + 1)

    def counted(self, rows: I64) -> Counted:
        base, tail = self.base, self.tail
        if not len(self.delta):
            return base.counted(rows)
        return Counted(
            take(base.counters, tail.counters, rows), take(base.counters_at, tail.counters_at, rows)
        )

    def value_keys(self, rows: I64) -> U64:
        """`[…, F]` of the categorical columns: what two items have in common they have exactly,
        where embedding rows may meet by chance."""
        return take(self.base.columns, self.delta.states.columns, rows)

    def withdrawn(self, rows: I64) -> Mask:
        """Which are not to be shown: paused or removed."""
        status = take(self.base.status, self.delta.states.status, rows)
        withdrawn: Mask = status != ACTIVE
        return withdrawn
