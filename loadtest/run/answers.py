"""What a load test wants to know of an answer, and no more: it is read while others wait."""

import math
from typing import Final, NamedTuple

import msgspec

from loadtest.connection import Answer
from loadtest.open_loop import Exchange
from understudy_client import server_timing

MSGPACK: Final = "application/msgpack"
SHED: Final = 429
NOTHING: Final = 0
"""The status of a request that nothing came back to."""


class _Degradation(msgspec.Struct):
    stage: str
    reason: str


class _Slate(msgspec.Struct):
    version: str = ""
    coverage: dict[str, float] = {}
    degraded: list[_Degradation] = []


_FROM_JSON: Final = msgspec.json.Decoder(_Slate)
_FROM_MSGPACK: Final = msgspec.msgpack.Decoder(_Slate)
_UNREAD: Final = _Slate()


class Sample(NamedTuple):
    """One request. Travels between processes as a list of its fields."""

    due_s: float
    lag_ms: float  # of the generator
    latency_ms: float  # from the intended time of sending
    status: int
    stages_ms: dict[str, float]
    covered: float  # share of candidates with a hint; NaN where the answer has none
    degraded: list[str]  # stage:reason
    version: str


def sample_of(exchange: Exchange) -> Sample:
    answer = exchange.answer
    slate = _read(answer) if answer is not None and answer.status == 200 else _UNREAD
    return Sample(
        due_s=exchange.due_s,
        lag_ms=(exchange.sent_s - exchange.due_s) * 1000.0,
        latency_ms=exchange.latency_ms,
        status=NOTHING if answer is None else answer.status,
        stages_ms=_stages(answer),
        covered=1.0 - slate.coverage["none"] if "none" in slate.coverage else math.nan,
        degraded=[f"{each.stage}:{each.reason}" for each in slate.degraded],
        version=slate.version,
    )


def _stages(answer: Answer | None) -> dict[str, float]:
    return {} if answer is None else server_timing.parse(answer.headers.get("server-timing", ""))


def _read(answer: Answer) -> _Slate:
    """An answer of another server has none of it, and is timed all the same."""
    is_msgpack = answer.headers.get("content-type", "").startswith(MSGPACK)
    try:
        return (_FROM_MSGPACK if is_msgpack else _FROM_JSON).decode(answer.body)
    except msgspec.MsgspecError:
        return _UNREAD
