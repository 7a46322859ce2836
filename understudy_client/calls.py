"""Everything that the two clients share: what they are told, and the calls that they make."""

import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypedDict, TypeVar

import httpx

from understudy_client.bodies import CODECS, Encoding, Fields, given
from understudy_client.budget import Budget, TimeLeft
from understudy_client.clock import Clock
from understudy_client.errors import InvalidRequest
from understudy_client.replies import RankingReader, Reader, Reply
from understudy_client.retries import Retries
from understudy_client.status import CacheStatus
from understudy_client.wire import (
    Event,
    EventsAccepted,
    Item,
    ItemsAccepted,
    Ranking,
    RankOptions,
    Ready,
)

RANK_DEADLINE_MS: Final = 100.0
OTHER_DEADLINE_MS: Final = 5_000.0
GRACE_MS: Final = 50.0
IDLE_S: Final = 4.0
"""A gateway closes a connection that was idle for 5 s; ours goes first, or a request would meet
the closing."""

T = TypeVar("T")
Http = TypeVar("Http", httpx.Client, httpx.AsyncClient)


class HttpOptions(TypedDict):
    base_url: httpx.URL
    headers: dict[str, str]
    limits: httpx.Limits
    verify: ssl.SSLContext | bool


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    method: str
    path: str
    fields: Fields | None
    read: Callable[[Reply], T]
    budget: Budget
    retries: Retries
    tells_deadline: bool = False


class Calls(ABC, Generic[Http]):
    """`url` is the gateway's, `http://host:port`. Safe to share and meant to be kept: its
    connections are reused.

    `key` goes along as a bearer token. `deadline_ms` is of a whole `rank`, from its call to its
    answer, unless the call names another; the gateway is told what is left of it, and is waited
    for until `grace_ms` later. A 429 is sent again at most `retries` times, see `retries.py`.
    `trace_headers` is called for every request and gives its `traceparent`, and `tracestate`, if
    the caller has a trace: `opentelemetry.propagate.inject` into a dictionary makes them.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        deadline_ms: float = RANK_DEADLINE_MS,
        grace_ms: float = GRACE_MS,
        retries: int = 1,
        encoding: Encoding = "msgpack",
        connections: int = 100,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        trace_headers: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        """Raises InvalidRequest for a URL or a key that is none."""
        self._trace_headers = trace_headers or _untraced
        self._deadline_ms = deadline_ms
        self._grace_ms = grace_ms
        self._retries = retries
        self._codec = CODECS[encoding]
        self._clock = clock or Clock()
        self._http: Http = self._open(
            {
                "base_url": _checked(url),
                # Answers are small and in a hurry: nothing is to be compressed.
                "headers": {"Accept-Encoding": "identity"} | _bearer(key),
                "limits": httpx.Limits(
                    max_connections=connections,
                    max_keepalive_connections=connections,
                    keepalive_expiry=IDLE_S,
                ),
                "verify": tls or True,
            }
        )

    @abstractmethod
    def _open(self, options: HttpOptions) -> Http: ...

    def _rank(
        self, user_id: str, items: Iterable[str] | None, options: RankOptions
    ) -> Call[Ranking]:
        fields = given({"user_id": user_id, "item_ids": items, **options})
        deadline_ms = fields.pop("deadline_ms", self._deadline_ms)
        return self._call(
            "POST", "/v1/rank", _RANKING, deadline_ms, fields=fields, tells_deadline=True
        )

    def _events(self, events: Iterable[Event], deadline_ms: float) -> Call[EventsAccepted]:
        fields = {"events": list(events)}
        return self._call("POST", "/v1/events", _EVENTS, deadline_ms, fields=fields)

    def _items(self, items: Iterable[Item], deadline_ms: float) -> Call[ItemsAccepted]:
        fields = {"items": list(items)}
        return self._call("POST", "/v1/items", _ITEMS, deadline_ms, fields=fields)

    def _ready(self, deadline_ms: float) -> Call[Ready]:
        return self._call("GET", "/readyz", _READY, deadline_ms)

    def _status(self, deadline_ms: float) -> Call[CacheStatus]:
        return self._call("GET", "/v1/cache/status", _STATUS, deadline_ms)

    def _call(
        self,
        method: str,
        path: str,
        reader: Reader[T],
        deadline_ms: float,
        *,
        fields: Fields | None = None,
        tells_deadline: bool = False,
    ) -> Call[T]:
        budget = Budget(deadline_ms, self._grace_ms, self._clock)
        retries = Retries(self._retries, budget, self._clock)
        return Call(method, path, fields, reader.read, budget, retries, tells_deadline)

    def _request(self, call: Call[Any]) -> httpx.Request:
        """Raises DeadlineExceeded, InvalidRequest."""
        left_ms = call.budget.left_ms
        extensions = {"timeout": TimeLeft(call.budget)}
        headers = dict(self._trace_headers())
        if call.fields is None:
            return self._http.build_request(
                call.method, call.path, headers=headers, extensions=extensions
            )
        told = {"deadline_ms": left_ms} if call.tells_deadline else {}
        return self._http.build_request(
            call.method,
            call.path,
            content=self._codec.encode({**call.fields, **told}),
            headers={"Content-Type": self._codec.media_type, **headers},
            extensions=extensions,
        )


_RANKING: Final = RankingReader()
_EVENTS: Final = Reader(EventsAccepted)
_ITEMS: Final = Reader(ItemsAccepted)
_READY: Final = Reader(Ready)
_STATUS: Final = Reader(CacheStatus)


def _untraced() -> Mapping[str, str]:
    return {}


def _bearer(key: str | None) -> dict[str, str]:
    if key is None:
        return {}
    if key and key.isascii() and key.isprintable() and " " not in key:
        return {"Authorization": f"Bearer {key}"}
    raise InvalidRequest(
        "a key is printable ASCII without spaces, and this one is not",
        field="key",
        remedy="strip the line end when it comes from a file",
    )


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme in ("http", "https") and parsed.host:
        return parsed
    raise InvalidRequest(
        "this is no URL of a gateway",
        field="url",
        value=url,
        remedy="give http://host:port or https://host",
    )
