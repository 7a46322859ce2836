"""Candidates that are paused or removed: in their place among the outputs, and worth nothing."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cache.embedded import EmbeddedValkey
from tests.server.changes import TOKEN, tell
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.open_inference.conftest import BODY, ITEMS

pytestmark = pytest.mark.redis
GONE = [ITEMS[0], ITEMS[3], ITEMS[19]]
LEFT = [item_id for item_id in ITEMS if item_id not in GONE]


@pytest.fixture(scope="module")
def client(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as valkey:
        settings = settings_for(served.student, redis_url=valkey.url, admin_token=TOKEN)
        with live_gateway(settings) as client:
            tell(client, *({"item_id": item_id, "status": "paused"} for item_id in GONE))
            wait_until(lambda: len(infer(client, order="slate")["item_ids"]) == 17, "the pause")
            yield client


def infer(client: httpx.Client, items: list[str] = ITEMS, **parameters: Any) -> dict[str, Any]:
    """Columns by name."""
    inputs = [
        {"name": name, "datatype": "BYTES", "shape": [len(data)], "data": data}
        for name, data in (("user_id", ["user-1"]), ("placement", ["feed"]), ("item_ids", items))
    ]
    body = {"inputs": inputs, "parameters": parameters | {"timestamp_ms": BODY["timestamp_ms"]}}
    told = client.post("/v2/models/student/infer", json=body).raise_for_status().json()
    return {each["name"]: each["data"] for each in told["outputs"]}


def test_they_keep_their_place_in_input_order(client: httpx.Client) -> None:
    answer, alone = infer(client), infer(client, LEFT)
    assert answer["item_ids"] == ITEMS
    assert answer["available"] == [item_id not in GONE for item_id in ITEMS]
    for column in ("scores", "values", "task_scores.click", "task_scores.conversion"):
        told = dict(zip(ITEMS, answer[column], strict=True))
        assert [told[item_id] for item_id in GONE] == [0.0] * 3
        assert [told[item_id] for item_id in LEFT] == alone[column]
    assert set(answer["tier"]) <= {"none", "pair", "user"}


@pytest.mark.parametrize("parameters", [{"order": "slate"}, {"top_k": 20}])
def test_slate_leaves_them_out(client: httpx.Client, parameters: dict[str, Any]) -> None:
    answer = infer(client, **parameters)
    assert sorted(answer["item_ids"]) == sorted(LEFT)
    assert all(answer["available"])


def test_nothing_left_is_zeros_in_input_order_and_an_empty_slate(client: httpx.Client) -> None:
    answer = infer(client, GONE)
    assert (answer["scores"], answer["available"]) == ([0.0] * 3, [False] * 3)
    assert answer["tier"] == ["none"] * 3
    assert infer(client, GONE, order="slate")["scores"] == []
