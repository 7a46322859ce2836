"""When a call is sent again: after a 429 whose Retry-After ends in time, and then alone.

A connection that failed is not tried again, although neither ranking nor events would suffer from
being sent twice: it says that a replica is in trouble, many callers see it at once, and the caller
knows better than this one connection pool whether another replica or an answer without ranking
serves its page. A 429 says when there will be room.
"""

from typing import Final

from understudy_client.budget import Budget
from understudy_client.clock import Clock
from understudy_client.errors import Shed, UnderstudyError

SPREAD: Final = 0.25
"""Callers that were shed together come back over so long a share of Retry-After."""


class Retries:
    """Of one call."""

    def __init__(self, most: int, budget: Budget, clock: Clock) -> None:
        self._left = most
        self._budget = budget
        self._clock = clock

    def wait_s(self, refused: UnderstudyError) -> float:
        """How long to wait before sending again, never less than Retry-After.

        Raises `refused` when it is not to be sent again.
        """
        least_s = refused.retry_after_s if isinstance(refused, Shed) else None
        if least_s is None or self._left <= 0 or least_s >= self._budget.left_s:
            raise refused
        self._left -= 1
        # Half of what is left then stays for the answer.
        widest_s = min(SPREAD * least_s, (self._budget.left_s - least_s) / 2)
        return least_s + widest_s * self._clock.chance()
