"""Whom a backfill is for: the lines of a file, or everybody with a record."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

import polars as pl
from redis.asyncio import Redis

from cache.demand import MAX_USER_BYTES
from cache.keys import record_key
from cache.operator.key_listing import listed
from cache.refresh.backfill.errors import UsersInvalid

USER: Final = "user_id"
ALL: Final = "all"
PATTERN: Final = b"us:u:{*}"


def users_of_file(path: Path) -> pl.DataFrame:
    """Column user_id: one a line, in the file's order, each once. Raises UsersInvalid."""
    try:
        with path.open(encoding="utf-8") as lines:
            users = pl.DataFrame({USER: _ids(path, lines)}, schema={USER: pl.String})
    except (OSError, UnicodeDecodeError) as error:
        raise UsersInvalid(
            f"--users {path} cannot be read ({error}): give a text file with one user id a line, "
            f"or {ALL}"
        ) from error
    if not len(users):
        raise UsersInvalid(f"--users {path} names nobody: give one user id a line, or {ALL}")
    return users.unique(USER, keep="first", maintain_order=True)


def _ids(path: Path, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        user_id = line.strip()
        if len(user_id.encode()) > MAX_USER_BYTES:
            raise UsersInvalid(
                f"--users {path}: line {number} has more than {MAX_USER_BYTES} bytes: "
                "give one user id a line"
            )
        if user_id:
            yield user_id


async def users_of_cache(client: Redis) -> pl.DataFrame:
    """Column user_id: everybody with a record, by id. Raises StoreUnavailable, UsersInvalid."""
    parts = [
        pl.Series(USER, [user for user in map(_user_of, keys) if user], pl.String)
        async for keys in listed(client, PATTERN)
    ]
    users = pl.DataFrame({USER: pl.concat(parts)}).unique(USER).sort(USER)
    if not len(users):
        raise UsersInvalid(
            f"--users {ALL}: no user has a record in this cache: run `understudy ingest --load`, "
            "or give a file of ids"
        )
    return users


def _user_of(key: bytes) -> str | None:
    """None for a key that record_key does not make of any id."""
    try:
        user_id = unquote_to_bytes(key[len("us:u:{") : -1]).decode()
    except UnicodeDecodeError:
        return None
    return user_id if record_key(user_id) == key else None
