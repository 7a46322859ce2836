"""POST /v1/items: who may, what is refused, and what a 202 means."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import redis

from cache.keys import CATALOGUE_STREAM, CATALOGUE_TABLE
from server.examples import ITEMS_EXAMPLE
from server.wire import ItemBatch
from tests.bundles import NOW_MS
from tests.server.changes import BEARER, TOKEN, tell
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.loaded_cache import clear
from tests.server.test_openapi import ROOT
from tests.server.test_redis_down import closed_port

pytestmark = pytest.mark.redis

ITEM = {"item_id": "new", "status": "active", "features": {"brand": "nord", "price": 3}}


@pytest.fixture(scope="module")
def gateway(served: Served, redis_url: str) -> Iterator[httpx.Client]:
    settings = settings_for(served.student, redis_url=redis_url, admin_token=TOKEN, replay=False)
    with live_gateway(settings) as client:
        yield client


@pytest.fixture
def client(gateway: httpx.Client, redis_url: str) -> httpx.Client:
    clear(redis_url)
    return gateway


def rows(redis_url: str) -> dict[bytes, bytes]:
    with redis.Redis.from_url(redis_url) as direct:
        return dict(direct.hgetall(CATALOGUE_TABLE))


def post(
    client: httpx.Client, *items: Any, headers: dict[str, str] | None = None
) -> httpx.Response:
    return client.post("/v1/items", json={"items": list(items)}, headers=headers or BEARER)


def test_without_a_token_configured_there_is_no_such_route(served: Served) -> None:
    with live_gateway(settings_for(served.student)) as client:
        refused = post(client, ITEM)
        paths = client.get("/openapi.json").json()["paths"]
    assert refused.status_code == 404
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert "/v1/items" not in paths


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
    ],
)
def test_without_the_token_nothing_is_read(
    client: httpx.Client, redis_url: str, headers: dict[str, str]
) -> None:
    refused = client.post("/v1/items", content=b"not even JSON", headers=headers)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert refused.json()["field"] == "Authorization"
    assert TOKEN not in refused.text
    assert rows(redis_url) == {}


def test_accepted_batch_is_in_table_and_stream(client: httpx.Client, redis_url: str) -> None:
    assert tell(client, ITEM, {"item_id": "item-1", "status": "paused"}) == {
        "accepted": 2,
        "changed": 2,
        "unknown_features": [],
    }
    assert len(rows(redis_url)) == 2
    with redis.Redis.from_url(redis_url) as direct:
        assert direct.xlen(CATALOGUE_STREAM) == 1


def test_same_batch_again_changes_nothing(client: httpx.Client) -> None:
    timed = ITEM | {"timestamp_ms": NOW_MS}
    assert [tell(client, timed)["changed"] for _ in range(2)] == [1, 0]


def test_earlier_word_does_not_undo_a_later_one(client: httpx.Client, redis_url: str) -> None:
    tell(client, {"item_id": "item-1", "status": "paused", "timestamp_ms": NOW_MS})
    held = rows(redis_url)
    late = {"item_id": "item-1", "status": "active", "timestamp_ms": NOW_MS - 1}
    assert tell(client, late)["changed"] == 0
    assert rows(redis_url) == held


def test_names_that_the_bundle_does_not_read_are_reported(client: httpx.Client) -> None:
    features = {"brand": "nord", "colour": "red", "audio": None}
    answer = tell(client, ITEM | {"features": features})
    assert answer["unknown_features"] == ["audio", "colour"]


def test_message_pack_is_read_and_answered(client: httpx.Client) -> None:
    headers = BEARER | {"Content-Type": "application/msgpack"}
    body = msgspec.msgpack.encode({"items": [ITEM]})
    answered = client.post("/v1/items", content=body, headers=headers)
    assert answered.status_code == 202
    assert msgspec.msgpack.decode(answered.content)["accepted"] == 1


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (ITEM | {"status": "asleep"}, "items[1].status"),
        ({"item_id": "x"}, "items[1]"),
        (ITEM | {"item_id": ""}, "items[1].item_id"),
        (ITEM | {"features": {"price": "dear"}}, "items[1].features.price"),
        (ITEM | {"features": {"price": 1e38}}, "items[1].features.price"),
        (ITEM | {"features": {"brand": ["a", "b"]}}, "items[1].features[...]"),
        (ITEM | {"timestamp_ms": 4_000_000_000_000}, "items[1].timestamp_ms"),
        (ITEM | {"timestamp_ms": 0}, "items[1].timestamp_ms"),
        (ITEM | {"item_id": "first"}, "items[1].item_id"),
        (ITEM | {"bid": 3}, "items[1]"),
    ],
)
def test_one_wrong_item_refuses_the_batch(
    client: httpx.Client, redis_url: str, item: dict[str, Any], field: str
) -> None:
    refused = post(client, ITEM | {"item_id": "first"}, item)
    assert refused.status_code == 422
    assert refused.json()["field"] == field
    assert refused.json()["remedy"]
    assert rows(redis_url) == {}


def test_bounds_of_a_batch(client: httpx.Client) -> None:
    many = [{"item_id": f"i-{number}", "status": "paused"} for number in range(1001)]
    assert post(client).status_code == 422
    assert post(client, *many).status_code == 422
    assert tell(client, *many[:1000])["changed"] == 1000


def test_store_that_is_down_is_503_and_ranking_goes_on(served: Served) -> None:
    settings = settings_for(served.student, redis_url=closed_port(), admin_token=TOKEN)
    with live_gateway(settings) as client:
        refused = post(client, ITEM)
        ranked = client.post("/v1/rank", json={"user_id": "u", "item_ids": ["item-1"]})
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert "send the same batch again" in refused.json()["remedy"]
    assert ranked.status_code == 200


def test_without_redis_it_says_what_to_set(served: Served) -> None:
    with live_gateway(settings_for(served.student, admin_token=TOKEN)) as client:
        refused = post(client, ITEM)
    assert refused.status_code == 503
    assert "UNDERSTUDY_REDIS_URL" in refused.json()["remedy"]


def test_examples_are_of_the_wire_type() -> None:
    for example in ITEMS_EXAMPLE.values():
        msgspec.convert(example["value"], ItemBatch)


@pytest.mark.slow
def test_schemathesis_finds_nothing(client: httpx.Client) -> None:
    command = [
        sys.executable, "-m", "schemathesis.cli",
        "--config-file", str(ROOT / "schemathesis.toml"),
        "run", str(client.base_url.join("/openapi.json")),
        "--include-path", "/v1/items", "--header", f"Authorization: Bearer {TOKEN}",
        "--checks", "all", "--max-examples", "40", "--seed", "7", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
