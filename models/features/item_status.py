"""Whether an item may be shown, as a code of one byte. See docs/cache.md."""

from typing import Final, Literal, get_args

Status = Literal["active", "paused", "removed"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
"""The position is the code."""
ACTIVE: Final = 0
REMOVED: Final = 2
