"""Codes → places in arrays of a fixed length; when all are taken, the one unused longest is."""

from collections import OrderedDict


class Slots:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slot: OrderedDict[int, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._slot)

    def find(self, code: int) -> int | None:
        return self._slot.get(code)

    def use(self, code: int) -> tuple[int, bool]:
        """Its place, and whether that is new to it: what is there then is another's."""
        slot = self._slot.get(code)
        if slot is not None:
            self._slot.move_to_end(code)
            return slot, False
        slot = len(self._slot) if len(self._slot) < self._limit else self._slot.popitem(False)[1]
        self._slot[code] = slot
        return slot, True
