"""Everything at once: what is to be expected of users, by how much it would bring.

To the hazard's pairs come the most offered ones, new items among them, for users whose session has
just begun or who may be back soon. A value grows with the student's score: the teacher's word
matters most where a slate is decided.
"""

from typing import Final

import numpy as np

from models.features.records import F64, I64
from models.speculation.hazard import Hazard
from models.speculation.memory import NEVER, Known
from models.speculation.offers import Popular, level_of
from models.speculation.policy import Asked

FORESEEN: Final = 128
RENEWED_MS: Final = 600_000
"""How long a list of the most offered pairs is good for."""
PAUSE_MS: Final = 1_800_000
"""A session begins after at least so long a pause."""
SCORED: Final = 0.25
"""Share of a value that the score decides, beside the mean score."""
SCORES: Final = (0.5, 2.0)
"""A score counts as at least and at most this, in mean scores."""
FORGETTING: Final = 0.01
"""Of the mean score, a request."""


class Foresight(Hazard):
    def __init__(self, hard_ttl_s: float) -> None:
        super().__init__(hard_ttl_s)
        none = np.zeros(0, np.int64)
        self._popular = Popular(none, none, np.zeros(0))
        self._renewed_ms = -RENEWED_MS
        self._mean_score = 0.0

    def asked(self, asked: Asked) -> None:
        super().asked(asked)
        if len(asked.scores):
            mean = float(asked.scores.mean())
            self._mean_score += FORGETTING * (mean - self._mean_score) if self._mean_score else mean

    def _values(self, known: Known, rows: I64, now_ms: int) -> F64:
        value = super()._values(known, rows, now_ms)
        pairs = known.pairs.taken(rows)
        score = np.clip(pairs.score / max(self._mean_score, 1e-6), *SCORES)
        score[pairs.asked_ms == NEVER] = 1.0
        return np.asarray(value * (1.0 - SCORED + SCORED * score))

    def _foresee(self, known: Known, now_ms: int) -> None:
        """Within a session its own demand says more."""
        if max(known.last_ms - known.before_ms, now_ms - known.last_ms) < PAUSE_MS:
            return
        if now_ms >= self._renewed_ms + RENEWED_MS:
            self._renewed_ms, self._popular = now_ms, self._outlook.offers.most(FORESEEN)
        pair, item, share = self._popular
        self._outlook.memory.foreseen(known, pair, item, level_of(share))
