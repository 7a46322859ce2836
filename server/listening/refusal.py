"""Answers of the socket itself, where no request has got as far as a route."""

from collections.abc import Iterable
from typing import Final

import httptools
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from server import problems
from server.errors import (
    BodyTooLarge,
    HeadTooLarge,
    Malformed,
    Overloaded,
    RequestTimeout,
    ServingError,
    TooManyConnections,
)
from server.listening.state import Limits

RETRY_AFTER_S: Final = 1


def as_bytes(error: ServingError, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A whole HTTP/1.1 answer that ends its connection."""
    answer = problems.refusal(error)
    parts = [STATUS_LINE[answer.status_code]]
    for name, value in (*default_headers, *answer.raw_headers, CLOSE_HEADER):
        parts += (name, b": ", value, b"\r\n")
    return b"".join((*parts, b"\r\n", bytes(answer.body)))


def of_parser(error: httptools.HttpParserError) -> ServingError:
    """What a callback of ours raised while parsing, or what is wrong with the bytes."""
    if isinstance(error.__context__, ServingError):
        return error.__context__
    return Malformed(
        f"this is not HTTP/1.1: {error}",
        remedy="send one well-framed request after another, with one Content-Length or chunks",
    )


def upgrade_with_body() -> ServingError:
    """The parser takes the body for words of the other protocol, and would read requests in it."""
    return Malformed(
        "a request that asks for another protocol cannot have a body here",
        field="Upgrade",
        remedy="leave the header out: this port speaks HTTP/1.1",
    )


def head_too_large(limits: Limits) -> ServingError:
    return HeadTooLarge(
        f"request line and headers have more than {limits.head_bytes} bytes",
        field="headers",
        remedy="send fewer or shorter headers, or raise UNDERSTUDY_MAX_HEAD_BYTES",
    )


def body_too_large(limits: Limits) -> ServingError:
    return BodyTooLarge(
        f"the request has more than {limits.wire_bytes} bytes on the wire",
        remedy="send a smaller body in larger chunks, or raise UNDERSTUDY_MAX_BODY_BYTES",
    )


def too_slow(limits: Limits) -> ServingError:
    return RequestTimeout(
        f"the request was not complete {limits.arrival_s:g} s after its first byte",
        remedy="send head and body at once, or raise UNDERSTUDY_ARRIVAL_TIMEOUT_S",
    )


def too_many_waiting(waiting: int) -> ServingError:
    return Overloaded(
        f"{waiting} requests wait on this connection already",
        remedy="wait for answers, or spread requests over connections",
        retry_after_s=RETRY_AFTER_S,
    )


def too_many_connections(limits: Limits) -> ServingError:
    return TooManyConnections(
        f"{limits.connections} connections are open already",
        remedy="close idle ones, ask another gateway, or raise UNDERSTUDY_MAX_CONNECTIONS",
        retry_after_s=RETRY_AFTER_S,
    )
