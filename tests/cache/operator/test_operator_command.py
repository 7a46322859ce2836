import json
from collections.abc import Sequence

import pytest
import typer
from redis import Redis
from typer.testing import CliRunner, Result

from cache.demand_keys import ShardKeys
from cache.errors import NotConfirmed, SpaceUnknown, StoreUnavailable
from cache.keys import page_key
from cache.operator.operator_command import operate
from tests.cache.operator.filled import page_value

pytestmark = pytest.mark.redis
USER = "[red]user[/red]"


@pytest.fixture
def filled_url(redis_url: str) -> str:
    with Redis.from_url(redis_url) as client:
        client.set(page_key(USER, "s"), page_value(), ex=1000)
        client.set(page_key("b", "s"), b"rubbish", ex=1000)
        client.set(page_key("b", "t"), page_value(), ex=1000)
        client.xadd(ShardKeys.of("s", 7).stream, {b"b": b"body"})
    return redis_url


def asked(url: str, arguments: Sequence[str]) -> Result:
    app = typer.Typer()
    app.command()(operate)
    return CliRunner().invoke(app, [*arguments, "--redis-url", url], env={"COLUMNS": "200"})


def test_spaces_are_listed(filled_url: str) -> None:
    told = json.loads(asked(filled_url, ["spaces", "--json"]).output)
    found = [(each["space"], each["pages"], each["demand_backlog"]) for each in told["spaces"]]
    assert found == [("s", 2, 1), ("t", 1, None)]
    shown = asked(filled_url, ["spaces"])
    assert shown.exit_code == 0
    assert "1 of 2" in shown.output


def test_status_is_told(filled_url: str) -> None:
    told = json.loads(asked(filled_url, ["status", "--json"]).output)
    assert told["eviction_policy"] == "volatile-lru"
    assert {"name": "us:stream:demand:{s:7}", "is_there": True, "length": 1, "groups": []} in told[
        "streams"
    ]
    assert "67.1 MB" in asked(filled_url, ["status"]).output


def test_user_is_told_with_an_id_that_is_no_markup(filled_url: str) -> None:
    told = json.loads(asked(filled_url, ["inspect", USER, "--json"]).output)
    assert told["record"] is None
    assert told["pages"][0]["facts"]["entries"] == 3
    assert USER in asked(filled_url, ["inspect", USER]).output
    assert "damaged" in asked(filled_url, ["inspect", "b"]).output


def test_space_is_dropped_when_that_is_meant(filled_url: str) -> None:
    refused = asked(filled_url, ["drop-space", "s"])
    assert isinstance(refused.exception, NotConfirmed)
    assert refused.exit_code == 1
    told = json.loads(asked(filled_url, ["drop-space", "s", "--yes", "--json"]).output)
    gone = {"space": "s", "pages": 2, "demand_messages": 1}
    assert told == gone | {"lent_values": 0, "said_items": 0}
    assert isinstance(asked(filled_url, ["drop-space", "s", "--yes"]).exception, SpaceUnknown)
    with Redis.from_url(filled_url) as client:
        assert client.keys() == [page_key("b", "t")]


def test_user_is_forgotten_when_that_is_meant(filled_url: str) -> None:
    assert isinstance(asked(filled_url, ["forget", USER]).exception, NotConfirmed)
    told = json.loads(asked(filled_url, ["forget", USER, "--yes", "--json"]).output)
    assert told == {"user_id": USER, "keys": 1}
    with Redis.from_url(filled_url) as client:
        assert client.exists(page_key(USER, "s")) == 0
    assert "2 keys are gone" in asked(filled_url, ["forget", "b", "--yes"]).output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["inspect"], "inspect takes a USER"),
        (["forget", "--yes"], "forget takes a USER"),
        (["drop-space", "--yes"], "drop-space takes a SPACE"),
        (["status", "s"], "status takes nothing more"),
        (["flush"], "flush"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], told: str) -> None:
    refused = asked("redis://localhost:1", arguments)
    assert refused.exit_code == 2
    assert told in refused.output


def test_server_that_is_not_there_is_named() -> None:
    told = asked("unix:///nowhere.sock", ["status"])
    assert isinstance(told.exception, StoreUnavailable)
