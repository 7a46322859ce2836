"""The series of those who look at what is in the cache: worth and neighbours."""

from collections.abc import Mapping
from typing import Final

from cache.refresh.series.kind import Labels, Series, counter, gauge
from cache.refresh.worth_sums import SLICES

_SLICES: Final[Labels] = {"slice": SLICES}
PASSED: Final = (
    "other_version", "other_inputs", "no_logit", "no_history", "no_room", "no_time", "damaged",
    "failed", "none_returned",
)  # fmt: skip
"""Why a request is passed over."""


def _summed(what: str) -> Series:
    return gauge(
        "sum",
        f"{what}, summed over shown candidates since the worker started",
        "differences of two readings give the ratio of the time between",
        _SLICES,
    )


WORTH: Final[Mapping[str, Series]] = {
    "requests": counter(
        "requests",
        "Served requests by what became of them",
        "settled ones are what the ratio is of; many other_version: the worker serves an old "
        "bundle; no_time, no_room: more than one worker can judge",
        ("judged", "settled", "not_shown", "forgotten", *PASSED),
    ),
    "events": counter(
        "events",
        "Events by whether a request that is held had brought them",
        "none joined: impressions do not come, or come too late",
        ("joined", "other"),
    ),
    "held": gauge("requests", "Requests that wait for their events", "bounded by --held-requests"),
    "transfer_ratio": gauge(
        "share",
        "Share of the teacher's lead that the cache brings, on log loss",
        "the price and the point of it all: falling, see coverage and ages first",
        _SLICES,
    ),
    "transfer_low": gauge("share", "Lower bound of the ratio, at 95 %", "above 0: hints help",
                          _SLICES),
    "transfer_high": gauge("share", "Upper bound of the ratio, at 95 %", "below 0: hints harm",
                           _SLICES),
    "summed_candidates": _summed("Candidates"),
    "summed_loss": _summed("Log loss as served"),
    "summed_masked_loss": _summed("Log loss of the student without hints"),
    "summed_teacher_loss": _summed("Log loss of the teacher"),
}  # fmt: skip

NEIGHBOURS: Final[Mapping[str, Series]] = {
    "rounds": counter("rounds", "Rounds over all users", "none for --every-s: see its log",
                      ("done",)),
    "values": counter("users", "Users to whom something was lent", "what the tier reaches",
                      ("written",)),
    "pairs": counter("pairs", "Pairs lent", "0 while users grow: rules are too strict", ("lent",)),
    "users": gauge("users", "Users with entries in the latest round", "who may lend"),
    "left_out": gauge("users", "Users past --max-users in the latest round",
                      "they are lent nothing: give it more memory and a higher bound"),
    "round_seconds": gauge("seconds", "Time of the latest round",
                           "near --every-s: what is lent is as old as that"),
}  # fmt: skip
