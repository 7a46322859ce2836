"""A process's catalogue: the file's items, what was told of items since, and live counters."""

from dataclasses import replace
from typing import Final, NamedTuple

from models.features.catalogue import Catalogue
from models.features.catalogue_view import View
from models.features.counted import Counted, ItemCounts
from models.features.delta import Delta, Slotted
from models.features.encoding import EncodedColumns
from models.features.item_changes import ItemChanges, parts
from models.features.item_state import ItemState
from models.features.item_status import ACTIVE
from models.features.item_table import ItemTable
from models.features.records import I64
from models.schema import FeatureSchema

MAX_DELTA: Final = 65_536
MAX_CHANGES: Final = 1024


class Moved(NamedTuple):
    """Items on their way between the file's rows and the delta's slots."""

    rows: I64  # [n] of the file; the row of zeros for items that it does not have
    slots: I64  # [n]


class Change(NamedTuple):
    """A view that is ready to be published."""

    view: View
    entered: Moved
    left: Moved
    changed: int


class LiveCatalogue:
    """Changes are worked out on the side and published by one assignment, so that a request sees
    all of them or none. One thread publishes and counts; any may read `view`."""

    def __init__(self, schema: FeatureSchema, base: Catalogue, limit: int = MAX_DELTA) -> None:
        table = ItemTable.of(schema, base)
        told_at = (base.status_at, base.columns_at)
        self._state = ItemState(*table.encoded, base.status, *told_at, base.columns)
        self._is_base_withdrawn = bool((base.status != ACTIVE).any())
        self._limit = limit
        tail = Counted.zeros(limit + MAX_CHANGES, len(schema.log.tasks))
        delta = Delta.empty(self._state)
        self.view = View(base, delta, table, tail, 0, self._is_base_withdrawn)
        self.left = 0
        """Items that left the delta for lack of room: the file's word holds of them again."""

    def apply(self, changes: ItemChanges) -> int:
        """The number of items that changed."""
        changed = 0
        for part in parts(changes, MAX_CHANGES):
            change = self.change(part)
            self.publish(change)
            changed += change.changed
        return changed

    def change(self, changes: ItemChanges) -> Change:
        """Writes nothing and may run in a thread, one at a time; of at most MAX_CHANGES items."""
        view = self.view
        rows = view.rows(changes.keys)
        held = self._state.at(rows, view.delta.states)
        after = held.told(changes, view.table.item)
        differs = after.differs(held) | (rows == view.unknown)
        keys = changes.keys[differs]
        if not len(keys):
            nobody = Moved(rows[:0], rows[:0])
            return Change(view, nobody, nobody, 0)
        successor = view.delta.followed_by(keys, after.part(differs), self._limit)
        entered, left = self._moved(successor.entered), self._moved(successor.left)
        return Change(self._view(successor.delta, entered, left), entered, left, len(keys))

    def publish(self, change: Change) -> None:
        """Where counters are written, and before the next change is worked out."""
        base, tail = self.view.base.counted_in_place, self.view.tail
        entered = change.entered
        tail.counters[entered.slots], tail.counters_at[entered.slots] = base.at(entered.rows)
        is_file_s = change.left.rows < self.view.unknown
        rows, slots = (column[is_file_s] for column in change.left)
        base.write(rows, tail.at(slots))
        self.left += len(change.left.slots)
        self.view = change.view

    def count(self, counts: ItemCounts) -> int:
        """The number of items whose counters changed. Items that nobody knows, and counts older
        than those held, are left out."""
        view, counted = self.view, Counted(counts.counters, counts.counters_at)
        rows = view.rows(counts.keys)
        base, tail = rows < view.unknown, rows > view.unknown
        slots = rows[tail] - view.unknown - 1
        return view.base.counted_in_place.write(rows[base], counted.at(base)) + view.tail.write(
            slots, counted.at(tail)
        )

    def _moved(self, items: Slotted) -> Moved:
        base = self.view.base
        rows = base.rows(items.keys)
        base.counted(rows)  # from the disk, perhaps: not where requests would wait for it
        return Moved(rows, items.slots)

    def _view(self, delta: Delta, entered: Moved, left: Moved) -> View:
        unknown = self.view.unknown
        added = int((entered.rows == unknown).sum()) - int((left.rows == unknown).sum())
        tail = EncodedColumns(delta.states.categorical, delta.states.number)
        return replace(
            self.view,
            delta=delta,
            table=self.view.table.with_tail(tail),
            added=self.view.added + added,
            has_withdrawn=self._is_base_withdrawn or delta.has_withdrawn(),
        )
