"""docs/api.md: its examples work, and its tables are complete."""

import json
import re
from pathlib import Path

import httpx
import pytest

from server.openapi import REFUSALS
from server.stages import STAGES
from server.wire import ItemsAccepted, RankAnswer
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def curl_bodies() -> list[tuple[str, str]]:
    return re.findall(r"127\.0\.0\.1:8080(/v1/\w+) .*? -d '(.*?)'", PAGE, re.DOTALL)


@pytest.mark.redis
def test_curl_examples_are_answered(served: Served, redis_url: str) -> None:
    examples = curl_bodies()
    assert [path for path, _ in examples] == ["/v1/rank", "/v1/events", "/v1/items"]
    settings = settings_for(served.student, redis_url=redis_url, admin_token="secret")
    with live_gateway(settings) as client:
        for path, body in examples:
            answered = client.post(path, content=body, headers={"Authorization": "Bearer secret"})
            assert answered.status_code in (200, 202), answered.text


def test_error_example_is_the_answer(gateway: httpx.Client) -> None:
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.S)
    answer, items, problem = (json.loads(block) for block in blocks)
    assert set(items) == set(ItemsAccepted.__struct_fields__)
    assert set(answer) | {"task_scores", "unavailable"} == set(RankAnswer.__struct_fields__)
    refused = gateway.post("/v1/rank", json={"user_id": "u", "item_ids": ["item-1", "item-1"]})
    assert refused.json() == problem


def test_every_status_and_stage_is_explained() -> None:
    for status in (*REFUSALS, 405):
        assert f"| {status} |" in PAGE
    for stage in STAGES:
        assert f"| `{stage}` |" in PAGE
