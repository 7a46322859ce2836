"""docs/api.md: complete, true to the code, and its examples work as printed."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server import errors
from server.api_page import PAGE, brought_up_to_date, tables
from server.api_tables import described, fields, routes
from server.errors import ServingError
from server.stages import STAGES
from server.wire import Problem, RankAnswer
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from understudy_client.errors import BY_STATUS, Refused

TEXT = PAGE.read_text(encoding="utf-8")
TABLES = {
    "routes", "RankRequest", "RankAnswer", "EventBatch", "ItemBatch", "CacheStatus", "Ready",
    "RolloutAct", "RolloutStatus", "SlowRequests", "RolloutHistory", "Models", "Bundles",
}  # fmt: skip
TRANSPORT = {"content-length", "date", "connection", "transfer-encoding"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def refusals() -> list[dict[str, str]]:
    """The rows of the table of errors."""
    rows = re.findall(r"^\| (\d+) \| (.+?) \| `(\w+)` \| .+ \| .+ \|$", TEXT, re.MULTILINE)
    return [dict(zip(("status", "title", "error"), row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def url(served: Served, redis_url: str) -> Iterator[str]:
    settings = settings_for(served.student, redis_url=redis_url, admin_token="secret")
    with live_gateway(settings) as client:
        yield str(client.base_url).rstrip("/")


def patient(example: str, url: str) -> str:
    """Elsewhere, and with time for a busy machine."""
    here = example.replace("http://127.0.0.1:8080", url)
    return re.sub(r'(deadline_ms"?[=:] ?)60\b', r"\g<1>30000", here)


def test_tables_are_those_of_the_code() -> None:
    assert tables(TEXT) == TABLES
    assert brought_up_to_date(TEXT) == TEXT, "run `python -m server.api_page`"


def test_every_field_and_route_says_what_it_is_for() -> None:
    assert re.findall(r"^\| `(.+?)` \|.*\|\s*\|$", TEXT, re.MULTILINE) == []


def test_field_that_the_page_lacks_is_added_with_what_its_type_says() -> None:
    row = re.compile(r"^\| `candidates\[\]\.bid` .*\n", re.MULTILINE)
    (added,) = row.findall(brought_up_to_date(row.sub("", TEXT)))
    assert "| number 0–1e+12 | Value of one positive; the order is score × bid |" in added


def test_field_that_the_code_lacks_is_taken_out() -> None:
    row = "| `candidates[].bid` |"
    assert brought_up_to_date(TEXT.replace(row, f"| `gone` | text | of old |\n{row}")) == TEXT


def test_every_type_of_the_document_is_in_a_table_or_a_row() -> None:
    api = described()
    told = "\n".join(row.kind for row in routes(api))
    for name in {"EventsAccepted", "ItemsAccepted", "Health"}:
        for field in api["components"]["schemas"][name]["properties"]:
            assert f"`{field}`" in told, (name, field)
    for field in Problem.__struct_fields__:
        assert f"`{field}`" in TEXT or f'"{field}"' in TEXT, field


def test_nested_fields_are_reached() -> None:
    names = {row.name for row in fields("RankRequest", described())}
    assert {"candidates", "candidates[].bid", "context"} <= names
    names = {row.name for row in fields("CacheStatus", described())}
    assert {"students[].windows", "worth.slices"} <= names


def test_every_refusal_is_in_the_table() -> None:
    rows = refusals()
    own = [k for k in ServingError.__subclasses__() if k.__module__ == errors.__name__]
    assert own
    for kind in own:
        titles = [row["title"] for row in rows if row["status"] == str(kind.status)]
        assert any(kind.title in title.split("; ") for title in titles), kind.__name__
    for row in rows:
        assert row["error"] == BY_STATUS.get(int(row["status"]), Refused).__name__


def test_every_stage_is_explained() -> None:
    for stage in STAGES:
        assert f"| `{stage}` |" in TEXT


@pytest.mark.redis
def test_every_header_is_named(url: str) -> None:
    headers = {"Content-Type"}
    for method, path in (("POST", "/v1/rank"), ("GET", "/v1/rank"), ("POST", "/v1/items")):
        ranked = {"user_id": "u", "item_ids": ["item-1"]}
        headers |= set(httpx.request(method, f"{url}{path}", json=ranked, timeout=30.0).headers)
    for operations in described()["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                headers |= set(answer.get("headers", {}))
    named = {name.lower() for name in re.findall(r"^\| `([\w-]+)` \|", TEXT, re.MULTILINE)}
    assert {name.lower() for name in headers} - TRANSPORT <= named


@pytest.mark.redis
def test_curl_examples_are_answered(url: str) -> None:
    examples = blocks("bash")
    paths = [re.findall(r"8080(/v1/\w+)", example)[0] for example in examples]
    assert paths == ["/v1/rank", "/v1/events", "/v1/items", "/v1/rollouts"]
    for example in examples:
        told = _run(["bash", "-c", patient(example, url)])
        assert "status" not in told or told["status"] in (200, 202), told


def _run(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60)
    return dict(json.loads(done.stdout))


@pytest.mark.redis
def test_python_examples_run(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    for example in blocks("python"):
        exec(compile(patient(example, url), "docs/api.md", "exec"), {"__name__": "example"})
    slate, status, ordered = capsys.readouterr().out.splitlines()
    assert re.match(r"\('item-\d', 'item-\d'\) \(0\.\d+, 0\.\d+\) [01]\.\d+ \d+\.\d+$", slate)
    assert status.endswith(" available")
    assert re.match(r"\('item-\d', 'item-\d'\)$", ordered)


def test_printed_answers_have_the_fields_of_the_types(gateway: httpx.Client) -> None:
    answer, problem = (json.loads(block) for block in blocks("json"))
    optional = {"task_scores", "unavailable"}
    assert set(RankAnswer.__struct_fields__) - optional <= set(answer)
    refused = gateway.post("/v1/rank", json={"user_id": "u", "item_ids": ["item-1", "item-1"]})
    assert refused.json() == problem


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([\w./-]+)\)", TEXT)
    assert [link for link in links if not Path(PAGE.parent, link).exists()] == []
