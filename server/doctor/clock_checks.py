"""Whether clocks agree: an age is a difference of two."""

from typing import Final

from server.doctor.finding import Finding, fail, ok, warn
from server.doctor.server_time import server_s
from server.doctor.subject import Subject

REDIS_S: Final = 1.0
GATEWAY_S: Final = 3.0
"""Its date is in whole seconds, and up to one old."""
MUCH_S: Final = 30.0
REMEDY: Final = (
    "let NTP keep the clocks of all machines (chronyd, timesyncd): ages and deadlines go by it"
)


async def gateway_clock(subject: Subject) -> Finding:
    ahead_s = None if subject.told is None else subject.told.ahead_s
    if ahead_s is None:
        return warn("its answers have no date", "is a proxy between that takes it off?")
    return _judged("the gateway's", ahead_s, GATEWAY_S)


async def redis_clock(subject: Subject) -> Finding:
    return _judged("Redis'", await redis_ahead_s(subject), REDIS_S)


async def redis_ahead_s(subject: Subject) -> float:
    """Of this machine. Raises StoreUnavailable."""
    assert subject.client is not None
    before_s = subject.clock()
    told_s = await server_s(subject.client)
    return told_s - (before_s + subject.clock()) / 2


def _judged(whose: str, ahead_s: float, least_s: float) -> Finding:
    told = (
        f"{whose} clock is {abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} this one"
    )
    if abs(ahead_s) > MUCH_S:
        return fail(told, REMEDY)
    return (
        warn(told, REMEDY) if abs(ahead_s) > least_s else ok(f"{whose} clock agrees with this one")
    )
