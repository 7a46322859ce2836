"""Bytes of an HTTP answer → a typed answer, or the error that it is."""

import re
from collections.abc import Mapping
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from understudy_client import server_timing
from understudy_client.errors import BY_STATUS, AnswerUnreadable, Refused, UnderstudyError
from understudy_client.wire import Ranking

MAX_ANSWER_BYTES: Final = 16 << 20
MAX_SHOWN: Final = 200
_TRACE: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

T = TypeVar("T")


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Reader(Generic[T]):
    def __init__(self, kind: type[T]) -> None:
        self._json = msgspec.json.Decoder(kind).decode
        self._packed = msgspec.msgpack.Decoder(kind).decode

    def read(self, reply: Reply) -> T:
        """Raises AnswerUnreadable."""
        decode = self._packed if reply.media_type.endswith("msgpack") else self._json
        try:
            return decode(reply.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise AnswerUnreadable(
                f"{reply.media_type or 'an answer'}: {error}",
                status=reply.status,
                remedy="check that the URL is a gateway's, and that no proxy changes its answers",
            ) from error


class RankingReader(Reader[Ranking]):
    def __init__(self) -> None:
        super().__init__(Ranking)

    def read(self, reply: Reply) -> Ranking:
        stages_ms = server_timing.parse(reply.headers.get("server-timing", ""))
        traced = _TRACE.fullmatch(reply.headers.get("traceresponse", ""))
        return msgspec.structs.replace(
            super().read(reply), stages_ms=stages_ms, trace_id=traced and traced[1]
        )


class _Problem(msgspec.Struct):
    """RFC 9457; whatever else stands between us and the gateway need not keep to it."""

    title: str | None = None
    detail: str | None = None
    field: str | None = None
    value: str | None = None
    remedy: str | None = None


_decode_problem: Final = msgspec.json.Decoder(_Problem).decode


def refusal(reply: Reply) -> UnderstudyError:
    """The error that an answer other than 2xx is."""
    problem = _problem(reply)
    return BY_STATUS.get(reply.status, Refused)(
        problem.detail or problem.title or "no detail was given",
        status=reply.status,
        title=problem.title,
        field=problem.field,
        value=problem.value,
        remedy=problem.remedy,
        retry_after_s=_seconds(reply.headers.get("retry-after", "")),
    )


def _problem(reply: Reply) -> _Problem:
    try:
        return _decode_problem(reply.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Problem(detail=reply.body[:MAX_SHOWN].decode("utf-8", "replace").strip())


def _seconds(retry_after: str) -> float | None:
    """None for a date, which gateways never send: the clock that it is of may not be ours."""
    return float(retry_after) if re.fullmatch(r"[0-9]{1,9}", retry_after.strip()) else None
