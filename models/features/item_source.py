"""Where rows of items and their counters come from: a catalogue, or a live one's view."""

from typing import Protocol

from models.features.counted import Counted
from models.features.records import I64, U64


class ItemSource(Protocol):
    def rows(self, keys: U64) -> I64:
        """Rows of any shape of keys; unknown ones read a row of zeros."""
        ...

    def counted(self, rows: I64) -> Counted: ...
