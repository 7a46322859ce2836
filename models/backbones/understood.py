"""What a backbone makes of a user before any candidate is known."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from models.stem import Past

Embed = Callable[[Past], Tensor]
"""Events → `[R, T, E]`: a backbone chooses first, so that only what it reads is embedded."""


class Events(NamedTuple):
    """One sequence, for candidates to attend to."""

    values: Tensor  # [R, T, D]
    live: Tensor  # bool [R, T]


class Understood(NamedTuple):
    summary: Tensor  # [R, m, d]
    events: list[Events]
