"""Users who click as the good student says, with the hints that make it say so."""

import json
import time
from typing import Final

import numpy as np

from loadtest.connection import encode
from models.features.records import F32, F64, I64, Mask
from tests.bundles import ITEMS
from tests.server.loaded_cache import page_of
from tests.server.rollout.harm.students import CALIBRATION, HINT

USERS: Final = 1_500
POOL: Final = 50
"""Candidates of a request: a user is asked about the same ones each time."""
SLATE: Final = 5
NARROW: Final = 320
WIDE: Final = 728
WIDE_SHARE: Final = 0.1
"""Of users, each with one width of slot."""


class Crowd:
    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.items: I64 = rng.permuted(np.tile(np.arange(ITEMS), (USERS, 1)), axis=1)[:, :POOL]
        self.z: F32 = rng.normal(size=(USERS, POOL, len(HINT))).astype(np.float32)
        self.is_wide: Mask = rng.random(USERS) < WIDE_SHARE
        self.requests = [self._request(user) for user in range(USERS)]
        self._truth: list[dict[str, float]] = []

    def pages(self) -> dict[bytes, bytes]:
        """What the teacher has said of all pairs."""
        at_ms, pages = time.time_ns() // 1_000_000, dict[bytes, bytes]()
        silent = np.zeros((POOL, 2), np.float32)
        for user in range(USERS):
            pages |= page_of(f"user-{user}", self._names(user), self.z[user], silent, at_ms)
        return pages

    def learn(self, unhinted: F64) -> None:
        """Takes `[ITEMS]` logits of the student without hints: what they add is known."""
        logit = unhinted[self.items] + self.z @ HINT
        truth = CALIBRATION.probabilities(logit.astype(np.float32)).tolist()
        self._truth = [
            dict(zip(self._names(user), truth[user], strict=True)) for user in range(USERS)
        ]

    def clicks(self, user: int, item: str, drawn: float) -> bool:
        return drawn < self._truth[user][item]

    def _names(self, user: int) -> list[str]:
        return [f"item-{item}" for item in self.items[user].tolist()]

    def _request(self, user: int) -> bytes:
        width = WIDE if self.is_wide[user] else NARROW
        body = {
            "user_id": f"user-{user}",
            "context": {"placement": "feed", "slot_width": width},
            "item_ids": self._names(user),
            "top_k": SLATE,
        }
        return encode("POST", "/v1/rank", json.dumps(body).encode())
