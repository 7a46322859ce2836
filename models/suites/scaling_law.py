"""NE(C) = NE_0 − η · log10(C / C_0): what ten times the compute takes off normalised entropy.

Kunlun (arXiv 2602.10016), its scaling efficiency, by ordinary least squares; C_0 is the compute of
a family's smallest model.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64
from models.suites.table import Cell, Table

COLUMNS: Final = ("family", "η, NE for ten times the compute", "NE_0")
NUMERATOR: Final = "kunlun"
DENOMINATOR: Final = "interformer"
NOTE: Final = (
    "NE(C) = NE_0 − η · log10(C / C_0), least squares over the sizes of a family under each seed; "
    "C is training FLOPs and C_0 the smallest size's. Above 0: more compute is better. The ratio "
    "is of two slopes of the same seed, where both are above 0 by more than their sd; Kunlun's "
    "paper reports 2."
)


class Law(NamedTuple):
    efficiency: float  # η
    at_smallest: float  # NE_0


def fitted(compute: F64, entropy: F64) -> Law:
    """Both `[sizes]`, smallest first."""
    rise, start = np.polyfit(np.log10(compute / compute[0]), entropy, 1).tolist()
    return Law(-rise, start)


def law_table(task: str, compute: Mapping[str, float], entropies: Mapping[str, F64]) -> Table:
    """By `family size`: training FLOPs, and NE `[seeds]`."""
    laws = {
        family: _by_seed(family, compute, entropies)
        for family in dict.fromkeys(map(_family, compute))
    }
    rows: list[list[Cell | str]] = [
        [
            family,
            Cell.of(np.array([law.efficiency for law in found])),
            Cell.of(np.array([law.at_smallest for law in found])),
        ]
        for family, found in laws.items()
    ]
    ratio = ratio_of(*(_slopes(laws[family]) for family in (NUMERATOR, DENOMINATOR)))
    rows.append([f"{NUMERATOR} ÷ {DENOMINATOR}", ratio, "–"])
    return Table(f"Scaling efficiency: {task}", COLUMNS, rows, NOTE)


def ratio_of(numerator: F64, denominator: F64) -> Cell | str:
    """Of slopes `[seeds]`; there is none where a family's cannot be told from 0."""
    if not (_is_told(numerator) and _is_told(denominator)):
        return "none: a slope near 0"
    return Cell.of(numerator / denominator, digits=2)


def _is_told(slopes: F64) -> bool:
    """Above 0 under every seed, and by more than one standard deviation."""
    sd = np.std(slopes, ddof=1) if len(slopes) > 1 else 0.0
    return bool(slopes.min() > 0 and slopes.mean() > sd)


def _by_seed(family: str, compute: Mapping[str, float], entropies: Mapping[str, F64]) -> list[Law]:
    names = [name for name in compute if _family(name) == family]
    flops = np.array([compute[name] for name in names])
    return [fitted(flops, found) for found in np.stack([entropies[name] for name in names], 1)]


def _slopes(laws: list[Law]) -> F64:
    return np.array([law.efficiency for law in laws])


def _family(name: str) -> str:
    return name.rsplit(" ", 1)[0]
