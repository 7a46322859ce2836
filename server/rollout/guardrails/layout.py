"""What is counted of a lane in a window of time, and where each count stands in its sums."""

from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64
from models.schema import TIERS

VERSION: Final = 1
"""Of the places below and of the edges of all histograms: sums of two versions do not add."""

LATENCY_EDGES_S: Final[F64] = 1e-4 * 2.0 ** (np.arange(121) / 8.0)
"""0.1 ms to 3.3 s, eight to an octave: a quantile is known to a factor of 1.09."""
RATIO_EDGES: Final[F64] = 2.0 ** (np.arange(-32, 33) / 16.0)
"""¼ to 4, sixteen to an octave: a quantile is known to a factor of 1.044."""
SCORE_EDGES: Final[F64] = np.arange(-8.0, 5.0)
"""Log-odds of a calibrated probability."""
DEGRADED: Final = ("cache", "features", "inference", "rerank", "total")
"""Classes of reasons: the stage that did with less."""
GROUPS: Final = 64
"""Of users, at random; a user is in the same one everywhere."""


class Part(NamedTuple):
    start: int
    size: int


_SIZES: Final = {
    "requests": 1,
    "errors": 1,
    "nan": 1,
    "constant": 1,
    "degraded": len(DEGRADED),
    "total": len(LATENCY_EDGES_S) + 1,
    "ratios": len(RATIO_EDGES) + 1,
    "scores": len(SCORE_EDGES) + 1,
    "compared": 1,
    "top_k": 1,
    "tiers": len(TIERS),
    "age_s": 1,
    "impressions": 1,
    "spread": 1,
    "clicks_squared": 1,
    "value_squared": 1,
    "hinted_squared": 1,
    "groups": 6 * GROUPS,
}
_STARTS: Final = (0, *accumulate(_SIZES.values()))
WIDTH: Final = _STARTS[-1]
_PARTS: Final = {
    name: Part(start, size)
    for (name, size), start in zip(_SIZES.items(), _STARTS[:-1], strict=True)
}

REQUESTS: Final = _PARTS["requests"]
"""That were answered or failed."""
ERRORS: Final = _PARTS["errors"]
NAN: Final = _PARTS["nan"]
"""Requests with a score that is no number."""
CONSTANT: Final = _PARTS["constant"]
"""Requests for two candidates or more that all got one score."""
DEGRADATIONS: Final = _PARTS["degraded"]
"""Requests by class of reason, in the order of DEGRADED; one request may be in several."""
TOTAL: Final = _PARTS["total"]
"""Answers by bucket of LATENCY_EDGES_S: bucket i ends with edge i, the last is open."""
RATIOS: Final = _PARTS["ratios"]
"""Shadowed requests by bucket of RATIO_EDGES: the time of this lane's model for it alone, ÷ that of
the stable lane's."""
SCORES: Final = _PARTS["scores"]
"""Answers by log-odds of one of their scores: those of one request are not independent."""
COMPARED: Final = _PARTS["compared"]
"""Requests of which both lanes made an order, of enough candidates to tell (agreement.py)."""
TOP_K: Final = _PARTS["top_k"]
"""Sum over them of the share of first places that both orders share."""
TIER_CANDIDATES: Final = _PARTS["tiers"]
AGE_S: Final = _PARTS["age_s"]
"""Sum over hinted candidates."""
IMPRESSIONS: Final = _PARTS["impressions"]
"""Shown candidates of settled requests."""
SPREAD: Final = _PARTS["spread"]
"""Σ p(1 − p) over impressions: the variance of their clicks, were p the truth."""
CLICKS_SQUARED: Final = _PARTS["clicks_squared"]
VALUE_SQUARED: Final = _PARTS["value_squared"]
HINTED_SQUARED: Final = _PARTS["hinted_squared"]
GROUPED: Final = _PARTS["groups"]
"""By column of the next lines, then by group of users."""

ANSWERED, HINTED, SETTLED, CLICKS, VALUE, EXPECTED = range(6)
"""Answers; Σ of their share of hinted candidates; requests whose labels are complete; their clicked
impressions, their value, and Σ p over their impressions."""
