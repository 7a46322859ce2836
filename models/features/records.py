"""Raw records that become features: the same types at training, refresh and serving.

Letters: R requests, N candidates, L past events, T tasks, F categorical and G numeric columns.
Categorical values are 64-bit keys (0 = missing), numbers float32 (NaN = missing).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Arrays = dict[str, NDArray[Any]]
"""A model's inputs by the names of FeatureSchema.inputs()."""


class History(NamedTuple):
    """Past events, newest last, padded in front with outcome 0.

    An outcome is 1 for the impression, plus 2 << t for a positive of task t.
    """

    row: I64  # [R, L] catalogue rows
    time_ms: I64  # [R, L]
    outcome: U8  # [R, L]


class Requests(NamedTuple):
    now_ms: I64  # [R]
    user: U64  # [R, F]
    user_number: F32  # [R, G]
    counters: F64  # [R, 1 + T] impressions, then positives by task, decayed to counters_at
    counters_at: I64  # [R] ms; 0 = never counted
    context: U64  # [R, F]
    context_number: F32  # [R, G]
    history: History


class Override(NamedTuple):
    """Item values that a request gave inline, for one candidate."""

    candidate: int
    keys: dict[int, int]  # position among the categorical item columns → value key
    numbers: dict[int, float]  # position among the numeric item columns → value


class Candidates(NamedTuple):
    request_index: I64  # [N] into the requests
    row: I64  # [N] catalogue rows
    counters: F64  # [N, 1 + T]
    counters_at: I64  # [N]
    overrides: Sequence[Override] = ()


class Hints(NamedTuple):
    """What the cache held of the teacher for each candidate; zeros where the tier is `none`."""

    z: F32  # [N, d]
    logit: F32  # [N, T] zero unless the tier is `pair`
    tier: I64  # [N] codes of models.schema.TIERS
    age_s: F32  # [N]


class ZSequence(NamedTuple):
    """What the teacher said of each event of a user's history (LoopFM), newest last."""

    z: F32  # [R, L, d] zeros where nothing was said
    said: F32  # [R, L] 1 or 0


class CacheAnswer(NamedTuple):
    """What a cache says for a batch of requests."""

    hints: Hints
    sequence: ZSequence | None  # None for a model that reads none


class UserState(Protocol):
    """One user's live state as any store holds it (see cache.record)."""

    @property
    def columns(self) -> U64: ...  # [F]
    @property
    def numbers(self) -> F32: ...  # [G]
    @property
    def counters(self) -> F64: ...  # [1 + T]
    @property
    def counters_at(self) -> int: ...
    @property
    def items(self) -> U64: ...  # [M] item keys, oldest first
    @property
    def times_ms(self) -> I64: ...  # [M]
    @property
    def outcomes(self) -> U8: ...  # [M]
