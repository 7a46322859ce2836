"""What all gateways counted, together."""

import numpy as np

from server.rollout.evidence.merging import merged
from server.rollout.guardrails.counting import count_error
from server.rollout.guardrails.layout import ERRORS, WIDTH
from server.rollout.guardrails.sums import Sums


def failing(times: int) -> bytes:
    sums = Sums()
    for _ in range(times):
        count_error(sums)
    return sums.encode()


def test_gateways_add_up_by_lane() -> None:
    told = {"a:stable": failing(1), "b:stable": failing(2), "a:canary": failing(4)}
    stable, canary = merged(told)
    assert (float(stable.one(ERRORS)), float(canary.one(ERRORS))) == (3.0, 4.0)


def test_nothing_told_is_nothing_counted() -> None:
    stable, canary = merged({})
    assert not stable.held.any()
    assert not canary.held.any()


def test_what_cannot_be_read_is_left_out() -> None:
    damaged = bytearray(failing(1))
    damaged[-1] ^= 1
    poisoned = Sums(np.full(WIDTH, np.nan)).encode()
    told = {
        "host:1:canary": failing(2),
        "bad:canary": bytes(damaged),
        "bad:stable": b"",
        "worse:stable": poisoned,
        "odd:shadow": failing(8),
        "nameless": failing(8),
    }
    stable, canary = merged(told)
    assert (float(stable.one(ERRORS)), float(canary.one(ERRORS))) == (0.0, 2.0)
