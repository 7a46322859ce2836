"""What a series is of, said once: for /metrics, and for the page about it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Labels = Mapping[str, tuple[str, ...]]
NONE: Final[Labels] = MappingProxyType({})


class Series(NamedTuple):
    kind: Literal["counter", "gauge"]
    unit: str
    help: str
    use: str
    """What whoever watches makes of it."""
    labels: Labels = NONE
    """The values that each may have; empty where they are not known beforehand."""
    is_always: bool = True
    """A counter of which 0 is shown before anything was counted: the first would be missed by
    rate() otherwise."""


def counter(
    unit: str, told: str, use: str, outcomes: tuple[str, ...], *, is_always: bool = True
) -> Series:
    return Series("counter", unit, told, use, {"outcome": outcomes}, is_always)


def gauge(unit: str, told: str, use: str, labels: Labels = NONE) -> Series:
    return Series("gauge", unit, told, use, labels)
