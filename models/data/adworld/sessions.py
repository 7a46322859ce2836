"""When users come: sessions of calls minutes apart, most of them in one hour of the evening.

Gaps follow ERCache (arXiv:2410.06497): 52 % of calls come within one minute of the user's last,
76 % within ten.
"""

from typing import Final, NamedTuple

import numpy as np

from models.data.adworld.ads import DAY_MS, HOUR_MS
from models.features.records import F64, I64

WITHIN_A_MINUTE: Final = 0.52
WITHIN_TEN_MINUTES: Final = 0.76
PRIME_HOUR: Final = 20
PRIME_SHARE: Final = 0.8
MINUTE_MS: Final = 60_000
SPARE: Final = 1.06
"""Calls made beyond those asked for: some fall off the end of the last day."""


class Calls(NamedTuple):
    """Q calls in time order."""

    user: I64  # [Q]
    time_ms: I64  # since the world began
    session: I64  # [Q] < sessions
    step: I64  # [Q] how many calls of the session came before
    sessions: int
    session_start_ms: I64  # [sessions]


def schedule(rng: np.random.Generator, activity: F64, calls: int, days: int) -> Calls:
    """The latest `calls` calls of a world of that many days."""
    users, wanted = len(activity), int(calls * SPARE)
    ending = ((1 - WITHIN_TEN_MINUTES) * (wanted - users) + users) / wanted
    sessions = max(users, round(wanted * ending))
    user = np.sort(np.append(np.arange(users), rng.choice(users, sessions - users, p=activity)))
    length = rng.geometric(ending, sessions)
    session = np.repeat(np.arange(sessions), length)
    first = np.cumsum(length) - length
    step = np.arange(len(session)) - first[session]
    elapsed = np.cumsum(np.where(step == 0, 0, _gaps_ms(rng, len(session))))
    since_start = elapsed - elapsed[first][session]
    duration = since_start[first + length - 1]
    start = _apart(rng, user, _starts_ms(rng, user, days), duration)
    made = Calls(user[session], start[session] + since_start, session, step, sessions, start)
    return _latest(made, calls, days * DAY_MS)


def _gaps_ms(rng: np.random.Generator, count: int) -> I64:
    """Time since the call before, within a session."""
    soon = rng.random(count) < WITHIN_A_MINUTE / WITHIN_TEN_MINUTES
    seconds = np.where(soon, rng.uniform(6, 59, count), np.exp(rng.uniform(4.12, 6.38, count)))
    return (seconds * 1000).astype(np.int64)


def _starts_ms(rng: np.random.Generator, user: I64, days: int) -> I64:
    """A start a session, ascending within each user."""
    count = len(user)
    awake = rng.integers(7, 24, count)
    hour = np.where(rng.random(count) < PRIME_SHARE, PRIME_HOUR, awake)
    day = rng.integers(0, days, count)
    start = day * DAY_MS + hour * HOUR_MS + rng.integers(0, HOUR_MS, count)
    return np.asarray(start[np.lexsort((start, user))])


def _apart(rng: np.random.Generator, user: I64, start: I64, duration: I64) -> I64:
    """Starts moved later until a user's sessions lie more than ten minutes apart."""
    pause = 10 * MINUTE_MS + (rng.exponential(20.0, len(user)) * MINUTE_MS).astype(np.int64)
    taken = np.cumsum(duration + pause) - (duration + pause)
    # A running maximum within each user: the next user's numbers all lie above.
    lift = user * (int(taken[-1]) + int(start.max()) + 1)
    return np.asarray(np.maximum.accumulate(start - taken + lift) - lift + taken)


def _latest(calls: Calls, count: int, until_ms: int) -> Calls:
    order = np.lexsort((calls.user, calls.time_ms))
    order = order[calls.time_ms[order] < until_ms][-count:]
    return calls._replace(
        user=calls.user[order],
        time_ms=calls.time_ms[order],
        session=calls.session[order],
        step=calls.step[order],
    )
