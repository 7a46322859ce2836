"""How alike two orders are, in their first places."""

from collections.abc import Sequence
from typing import NamedTuple


class Agreement(NamedTuple):
    shared: int  # candidates that are among the first of both
    places: int  # that were compared; 0 where nothing is told

    @property
    def share(self) -> float:
        """From 0 to 1, and 0 where nothing is told."""
        return self.shared / max(self.places, 1)


def agreement(one: Sequence[int], other: Sequence[int], k: int) -> Agreement:
    """Of two orders, best first: of so few places that chance shares a quarter of them at most. Of
    fewer than four candidates even the first is shared by chance more often than that."""
    common = len(set(one) & set(other))
    places = min(k, common // 4)
    return Agreement(len(set(one[:places]) & set(other[:places])), places)
