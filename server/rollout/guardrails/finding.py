"""What one guardrail says of a canary, or of many canaries at once."""

from typing import NamedTuple

import numpy as np

from models.features.records import F64, Mask


class Finding(NamedTuple):
    """`harm` is how much worse than the stable lane the canary is, in the guardrail's own unit, and
    `low` … `high` hold its true value at all times together with probability 1 − the guardrail's α.
    """

    canary: F64  # […] its figure
    stable: F64
    harm: F64
    low: F64
    high: F64
    margin: float  # harm that is tolerated

    @property
    def breached(self) -> Mask:
        return np.asarray(self.low > self.margin)

    @property
    def proven(self) -> Mask:
        """That the harm is within the margin."""
        return np.asarray(self.high <= self.margin)
