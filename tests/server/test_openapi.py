import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from server.app import create_app
from server.examples import EVENTS_EXAMPLE, RANK_ANSWER, RANK_EXAMPLES
from server.settings import Settings
from server.wire import EventBatch, RankAnswer, RankRequest
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for

ROOT = Path(__file__).parents[2]


def document() -> dict[str, Any]:
    return create_app(Settings(max_candidates=77)).openapi()


def test_document_needs_no_bundle_and_carries_the_limits() -> None:
    schemas = document()["components"]["schemas"]
    item_ids = schemas["RankRequest"]["properties"]["item_ids"]["anyOf"]
    assert item_ids[0]["maxItems"] == 77
    assert "RankAnswer" in schemas
    assert "Problem" in schemas


def test_examples_are_of_the_wire_types() -> None:
    for example in RANK_EXAMPLES.values():
        msgspec.convert(example["value"], RankRequest)
    for example in EVENTS_EXAMPLE.values():
        msgspec.convert(example["value"], EventBatch)
    msgspec.convert(RANK_ANSWER, RankAnswer)


def test_examples_are_answered(gateway: httpx.Client) -> None:
    for name, example in RANK_EXAMPLES.items():
        answered = gateway.post("/v1/rank", json=example["value"])
        assert answered.status_code == 200, (name, answered.text)


def test_docs_page_is_served(gateway: httpx.Client) -> None:
    assert "/openapi.json" in gateway.get("/docs").text


def test_importing_the_app_imports_no_torch() -> None:
    program = "import sys, server.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.redis
def test_schemathesis_finds_nothing(served: Served, redis_url: str, tmp_path: Path) -> None:
    settings = settings_for(served.student, redis_url=redis_url)
    with live_gateway(settings) as client:
        url = str(client.base_url.join("/openapi.json"))
        command = [
            sys.executable, "-m", "schemathesis.cli",
            "--config-file", str(ROOT / "schemathesis.toml"), "run", url,
            "--checks", "all", "--max-examples", "40", "--seed", "7", "--no-color",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + json.dumps(done.stderr[-2000:])
