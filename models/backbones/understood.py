"""What a backbone reads, and what it makes of a user before any candidate is known."""

from typing import NamedTuple

from torch import Tensor


class History(NamedTuple):
    """A user's events, newest last, padded in front with outcome 0."""

    values: Tensor  # [R, L, E]
    outcome: Tensor  # int64 [R, L], bits as in models.features.records.History
    log_age: Tensor  # [R, L] log(1 + seconds)


class Events(NamedTuple):
    """One sequence, for candidates to attend to."""

    values: Tensor  # [R, T, D]
    live: Tensor  # bool [R, T]


class Understood(NamedTuple):
    summary: Tensor  # [R, m, d]
    events: list[Events]
