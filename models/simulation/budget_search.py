"""The budget at which demand alone covers a given share: where policies are compared."""

import math
from collections.abc import Callable
from typing import Final

from models.simulation.errors import CoverageUnreachable

STEPS: Final = 12
TOLERANCE: Final = 0.004
AMPLE: Final = 64.0
"""Times the mean rate of asking: as good as no limit."""


def budget_for(aim: float, mean_rate: float, coverage: Callable[[float], float]) -> float:
    """Pairs a second, by bisection on a logarithmic scale: of those tried the nearest.

    `mean_rate`: pairs asked for a second; `coverage` of a budget should rise with it, and may do
    so in leaps. Raises CoverageUnreachable.
    """
    low, high = mean_rate / 4096.0, mean_rate * AMPLE
    if (most := coverage(high)) < aim:
        raise CoverageUnreachable(
            f"demand alone covers {most:.3f} of the candidates however large the budget, "
            f"not {aim:g}: aim at less"
        )
    tried = {high: most}
    for _ in range(STEPS):
        middle = math.sqrt(low * high)
        tried[middle] = reached = coverage(middle)
        if abs(reached - aim) <= TOLERANCE:
            break
        low, high = (middle, high) if reached < aim else (low, middle)
    return min(tried, key=lambda budget: abs(tried[budget] - aim))
