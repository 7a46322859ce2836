"""What to make of a gateway's series: what its help cannot hold."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

Values = tuple[str, ...] | str
"""Of a label: all that there are, or what they are."""
NO_LABELS: Final[Mapping[str, Values]] = MappingProxyType({})
LANE: Final[Mapping[str, Values]] = MappingProxyType(
    {"lane": ("stable", "shadow", "canary"), "version": "of the bundle"}
)
MODEL: Final = "name of the bundle"


class Guide(NamedTuple):
    unit: str
    use: str
    labels: Mapping[str, Values] = NO_LABELS
    when: str = ""
    """The series is there then alone; always where this is empty."""
