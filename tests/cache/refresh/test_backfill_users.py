from pathlib import Path

import pytest
from redis.asyncio import Redis

from cache.keys import record_key
from cache.refresh.backfill.errors import UsersInvalid
from cache.refresh.backfill.users import users_of_cache, users_of_file


def test_users_of_a_file_keep_its_order_and_come_once(tmp_path: Path) -> None:
    path = tmp_path / "users.txt"
    path.write_text("b\n\n  a \nüser:{1}\nb\r\n", encoding="utf-8")
    assert users_of_file(path)["user_id"].to_list() == ["b", "a", "üser:{1}"]


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_file_that_names_nobody_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "users.txt"
    path.write_bytes(content)
    with pytest.raises(UsersInvalid, match="names nobody: give one user id a line"):
        users_of_file(path)


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff\xfe\n")
    for name in ("missing", "latin"):
        with pytest.raises(UsersInvalid, match=f"{name} cannot be read.*or all"):
            users_of_file(tmp_path / name)


def test_line_that_is_longer_than_an_id_is_named(tmp_path: Path) -> None:
    path = tmp_path / "users.txt"
    path.write_text("a\n" + "b" * 1025)
    with pytest.raises(UsersInvalid, match="line 2 has more than 1024 bytes"):
        users_of_file(path)


@pytest.mark.redis
async def test_all_are_those_with_a_record_in_order(client: Redis) -> None:
    ids = [*(f"user-{number}" for number in range(3000)), "ü:{x}", "new\nline", "%7B"]
    await client.mset({record_key(user): b"UR" for user in ids})
    await client.set(b"us:p:{nobody}:space", b"UP")
    await client.set(b"us:u:{nobody}:more", b"")
    assert (await users_of_cache(client))["user_id"].to_list() == sorted(ids)


@pytest.mark.redis
async def test_cache_without_a_record_is_refused(client: Redis) -> None:
    with pytest.raises(UsersInvalid, match="--users all: no user has a record"):
        await users_of_cache(client)
