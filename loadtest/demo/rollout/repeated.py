"""A log that goes on for longer than it was kept."""

from collections.abc import Sequence

from loadtest.replay_log import LoggedRequest


def repeated(requests: Sequence[LoggedRequest], times: int) -> list[LoggedRequest]:
    """The same requests and what came of them again behind the last, as of then: numbers and times
    go on, and with them the events' ids."""
    length_ms = requests[-1].timestamp_ms - requests[0].timestamp_ms + 1000
    return [
        LoggedRequest(
            each.number + turn * len(requests),
            {**each.body, "timestamp_ms": each.timestamp_ms + turn * length_ms},
            each.shown,
        )
        for turn in range(times)
        for each in requests
    ]
