"""What one `understudy ship` was told."""

from pathlib import Path
from typing import NamedTuple

from models.schema import Frozen


class Making(Frozen):
    """What the student follows from: a ship that was stopped goes on with the same alone."""

    data: str
    teacher: Path | None = None
    seed: int = 0
    train_options: tuple[str, ...] = ()
    export_options: tuple[str, ...] = ()


class Order(NamedTuple):
    making: Making
    served: Path | None  # serving folder that gateways were started with
    least: int  # labelled impressions since the last ship
    most_worse: float  # share that log loss may rise by
    plan: str = "default"
    is_registered: bool = False  # bundles are pushed, and rolled out by name
    watches: bool = False
    kept: int = 7  # ships whose models and logs stay
