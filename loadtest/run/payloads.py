"""What is asked for: a log's requests as they are, or seeded ones over its users and items."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from loadtest.connection import encode
from loadtest.errors import LoadInvalid
from loadtest.replay_log import read_replay
from loadtest.run.answers import MSGPACK
from loadtest.run.scenario import Payload

DISTINCT: Final = 20_000
"""Requests kept ready; a longer run asks for them again."""
REMEMBERED: Final = 1000
ITEMS: Final = 5000
SEEDED: Final = "seed"

Body = Mapping[str, Any]


class Wire(NamedTuple):
    content_type: str
    encode: Callable[[Any], bytes]


WIRES: Final = {
    "json": Wire("application/json", lambda body: json.dumps(body).encode()),
    "msgpack": Wire(MSGPACK, msgspec.msgpack.encode),
}


class Source(NamedTuple):
    """Where users and items come from, and the requests where they are sent as they are."""

    users: Sequence[str]
    items: Sequence[str]
    context: Body
    logged: Sequence[Body] = ()
    times_ms: Sequence[int] = ()


def source_of(requests: str) -> Source:
    """`seed`, or a replay.jsonl of `understudy export`. Raises ReplayInvalid."""
    if requests == SEEDED:
        return Source([], [f"ad{number:04d}" for number in range(ITEMS)], {})
    logged = read_replay(Path(requests), DISTINCT)
    users = dict.fromkeys(each.user_id for each in logged)
    items = dict.fromkeys(item for each in logged for item in each.candidate_ids)
    # A gateway takes past times only when it replays.
    bodies = [{k: v for k, v in each.body.items() if k != "timestamp_ms"} for each in logged]
    times_ms = [each.timestamp_ms for each in logged]
    return Source(list(users), list(items), bodies[0].get("context", {}), bodies, times_ms)


def bodies(source: Source, payload: Payload | None, count: int, seed: int) -> list[Body]:
    """At most DISTINCT of them, to be taken in turn."""
    if payload is None and source.logged:
        return list(source.logged[:count])
    return list(_seeded(source, payload or Payload(), min(count, DISTINCT), seed))


def encoded(chosen: Sequence[Body], wire: str, key: str | None) -> list[bytes]:
    """Whole requests. Raises LoadInvalid."""
    headers = headers_of(wire, key)
    write = WIRES[wire].encode
    return [encode("POST", "/v1/rank", write(body), headers) for body in chosen]


def headers_of(wire: str, key: str | None) -> dict[str, str]:
    """Raises LoadInvalid."""
    if wire not in WIRES:
        raise LoadInvalid(f"--wire {wire!r}: {' or '.join(WIRES)}")
    headers = {"content-type": WIRES[wire].content_type}
    return headers if key is None else {**headers, "authorization": f"Bearer {key}"}


def _seeded(source: Source, payload: Payload, count: int, seed: int) -> Iterator[Body]:
    """Raises LoadInvalid where there are fewer items than candidates."""
    most = max(payload.sizes)
    if len(source.items) < most:
        raise LoadInvalid(
            f"{most} candidates of {len(source.items)} items: give a longer log, or --requests seed"
        )
    rng = np.random.default_rng(seed)
    names = _users(source, payload)
    users = rng.choice(len(names), count, p=_zipf(len(names), payload.skew))
    weights = np.array(list(payload.sizes.values()))
    sizes = rng.choice(list(payload.sizes), count, p=weights / weights.sum())
    past: list[Body] = []
    for number in range(count):
        if past and rng.random() < payload.repeat:
            yield past[rng.integers(len(past))]
            continue
        body = _body(source, names[users[number]], int(sizes[number]), payload, rng)
        past = [*past[-REMEMBERED + 1 :], body] if payload.repeat else past
        yield body


def _body(source: Source, user: str, size: int, payload: Payload, rng: np.random.Generator) -> Body:
    chosen = rng.choice(len(source.items), size, replace=False)
    items = [source.items[index] for index in chosen]
    return {
        "user_id": user,
        "context": source.context,
        "item_ids": items,
        "top_k": min(payload.top_k, size),
    }


def _users(source: Source, payload: Payload) -> Sequence[str]:
    if payload.fresh_users:
        run = secrets.token_hex(4)
        return [f"load-{run}-{number}" for number in range(payload.users)]
    return source.users[: payload.users] or [f"u{number:04d}" for number in range(payload.users)]


def _zipf(count: int, skew: float) -> Any:
    weights = np.arange(1, count + 1, dtype=np.float64) ** -skew
    return weights / weights.sum()
