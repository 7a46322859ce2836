"""What a policy has still to be told, in order: it is told while demand leaves time for it."""

from collections import deque
from typing import Final

from models.speculation.policy import Asked, Computed, Policy

AT_ONCE: Final = 16
"""Requests. To hear of one and to wish for its user takes a policy two milliseconds."""
LIMIT: Final = 4096
"""Past that the oldest are lost."""


class News:
    def __init__(self, policy: Policy, limit: int = LIMIT) -> None:
        self.lost = 0  # requests
        self._policy = policy
        self._limit = limit
        self._untold: deque[Asked | Computed] = deque()
        self._requests = 0

    def __bool__(self) -> bool:
        """Whether there is a request among it."""
        return self._requests > 0

    def asked(self, asked: Asked) -> None:
        self._requests += 1
        self._keep(asked)

    def computed(self, computed: Computed) -> None:
        self._keep(computed)

    def tell(self, requests: int = AT_ONCE) -> None:
        """At most so many, and what was computed before the next."""
        while self._untold:
            news = self._untold[0]
            if isinstance(news, Computed):
                self._policy.computed(news)
            elif requests <= 0:
                return
            else:
                requests, self._requests = requests - 1, self._requests - 1
                self._policy.asked(news)
            self._untold.popleft()

    def _keep(self, news: Asked | Computed) -> None:
        if len(self._untold) >= self._limit and isinstance(self._untold.popleft(), Asked):
            self._requests -= 1
            self.lost += 1
        self._untold.append(news)
