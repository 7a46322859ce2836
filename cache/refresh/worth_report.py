"""The transfer ratio as metrics: ratios as levels, losses as sums that Prometheus may subtract."""

from typing import Final

from cache.refresh.tally import Tally
from cache.refresh.worth_sums import SLICES, Sums

COLUMNS: Final = ("candidates", "loss", "masked_loss", "teacher_loss")


def report(sums: Sums, tally: Tally) -> None:
    """A slice without a ratio has no sample of one."""
    worth = sums.worth()
    for name in ("ratio", "low", "high"):
        values = {place: getattr(each, name) for place, each in worth.items()}
        known = {place: value for place, value in values.items() if value is not None}
        tally.labelled[f"transfer_{name}", "slice"] = known
    totals = sums.losses()
    for column, name in enumerate(COLUMNS):
        by_slice = dict(zip(SLICES, totals[:, column].tolist(), strict=True))
        tally.labelled[f"summed_{name}", "slice"] = by_slice
