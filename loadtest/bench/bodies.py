"""Requests of one size from the users and items of a serving folder."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from loadtest.connection import encode
from loadtest.errors import ReplayInvalid
from loadtest.replay_log import read_replay

USERS: Final = 64
READ: Final = 2000


class Pools(NamedTuple):
    """Who asks, in which context, and what for."""

    users: list[str]
    context: dict[str, Any]
    items: list[str]


def pools_of(serving: Path) -> Pools:
    """From the held-out requests. Raises ReplayInvalid."""
    requests = read_replay(serving / "replay.jsonl", READ)
    users = list(dict.fromkeys(logged.user_id for logged in requests))[:USERS]
    items = list(dict.fromkeys(item for logged in requests for item in logged.candidate_ids))
    return Pools(users, dict(requests[0].body.get("context", {})), items)


def requests_of(
    pools: Pools, candidates: int, extra: Mapping[str, Any] | None = None
) -> list[bytes]:
    """One request a user, all for the same items and context, so that a page serves every size.

    `extra` are fields of the body beside them. Raises ReplayInvalid when there are too few items.
    """
    if len(pools.items) < candidates:
        raise ReplayInvalid(f"replay.jsonl names {len(pools.items)} items, {candidates} are needed")
    return list(_encoded(pools, pools.items[:candidates], extra or {}))


def _encoded(pools: Pools, items: list[str], extra: Mapping[str, Any]) -> Iterable[bytes]:
    for user in pools.users:
        body: dict[str, Any] = {
            "user_id": user,
            "context": pools.context,
            "item_ids": items,
            "top_k": 20,
        }
        yield encode("POST", "/v1/rank", json.dumps({**body, **extra}).encode())
