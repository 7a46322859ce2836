"""Where the server is: the one place that reads its URL. See docs/operations.md.

No error repeats any part of the URL, which may hold a password.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, cast
from urllib.parse import SplitResult, urlsplit

from redis.asyncio.connection import Connection, parse_url
from redis.exceptions import RedisError

from cache.errors import UrlInvalid


class Kind(StrEnum):
    SERVER = ""
    CLUSTER = "cluster"
    SENTINEL = "sentinel"


SCHEMES: Final = ("redis", "rediss", "unix", "redis+cluster", "rediss+cluster", "redis+sentinel",
                  "rediss+sentinel")  # fmt: skip
PORTS: Final = {Kind.SERVER: 6379, Kind.CLUSTER: 6379, Kind.SENTINEL: 26379}
POOL_OPTIONS: Final = frozenset({"max_connections", "timeout"})
SENTINEL_PREFIX: Final = "sentinel_"
"""`sentinel_username` and `sentinel_password` are for the sentinels themselves."""


class Node(NamedTuple):
    host: str
    port: int


@dataclass(frozen=True)
class Address:
    kind: Kind
    nodes: tuple[Node, ...]  # of a cluster, those asked first; or the sentinels
    service: str  # what the sentinels call the server; empty without them
    options: Mapping[str, Any] = field(repr=False)  # of each connection to a server
    sentinel_options: Mapping[str, Any] = field(repr=False)


def parse(url: str) -> Address:
    """Raises UrlInvalid."""
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise _invalid(f"it must begin with {', '.join(f'{name}://' for name in SCHEMES)}")
    transport, _, kind = scheme.partition("+")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _invalid("its host cannot be read") from None
    return _address(transport, Kind(kind), parts)


def anonymous(url: str) -> str:
    """Without user, password and options: which server it is, and nothing secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _address(transport: str, kind: Kind, parts: SplitResult) -> Address:
    credentials, at, hosts = parts.netloc.rpartition("@")
    nodes = tuple(_node(host, kind) for host in hosts.split(",")) if transport != "unix" else ()
    if kind is Kind.SERVER and len(nodes) > 1:
        raise _invalid("several hosts need +cluster or +sentinel in its scheme")
    service, path = _service(parts.path) if kind is Kind.SENTINEL else ("", parts.path)
    first = hosts.split(",")[0]
    options = _options(f"{transport}://{credentials}{at}{first}{path}?{parts.query}")
    if kind is Kind.CLUSTER and (path.strip("/") not in ("", "0") or options.get("db")):
        raise _invalid("a cluster has no databases: leave out what stands behind its hosts")
    if kind is not Kind.SERVER:
        options = {name: value for name, value in options.items() if name not in ("host", "port")}
    own, of_sentinels = _parted(options)
    _check(own)
    return Address(kind, nodes, service, own, of_sentinels)


def _node(text: str, kind: Kind) -> Node:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _invalid(
            "a port must be a number up to 65535, and / ? # @ of a password percent-encoded"
        ) from None
    if not host and kind is not Kind.SERVER:
        raise _invalid("each of its hosts must be given as host or host:port")
    return Node(host or "localhost", port or PORTS[kind])


def _service(path: str) -> tuple[str, str]:
    service, _, database = path.removeprefix("/").partition("/")
    if not service or not (database or "0").isdecimal():
        raise _invalid(
            "behind the sentinels it must name the service, as in /service or /service/0"
        )
    return service, f"/{database}"


def _options(url: str) -> dict[str, Any]:
    try:
        return dict(cast(Mapping[str, Any], parse_url(url)))
    except ValueError as error:
        # It names an option of the query; hosts and ports have been read before.
        raise _invalid(str(error)) from None


def _parted(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    own = {key: value for key, value in options.items() if not key.startswith(SENTINEL_PREFIX)}
    theirs = {key.removeprefix(SENTINEL_PREFIX): options[key] for key in options.keys() - own}
    return own, theirs


def _check(options: Mapping[str, Any]) -> None:
    """An option that no connection takes would fail each time one is opened."""
    given = {name: value for name, value in options.items() if name not in POOL_OPTIONS}
    try:
        given.pop("connection_class", Connection)(**given)
    except (TypeError, ValueError, RedisError) as error:
        raise _invalid(f"an option in it is unknown or wrong: {error}") from None


def _invalid(why: str) -> UrlInvalid:
    return UrlInvalid(f"UNDERSTUDY_REDIS_URL is no address of a server: {why}")
