"""docs/open-inference.md: its examples work, and its tables are complete."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from models.manifest import read_manifest
from server.app import create_app
from server.open_inference.call import Parameters
from server.open_inference.grpc_service import CODES
from server.open_inference.signature import TASK_SCORES, signature_of
from server.settings import Settings
from tests.server.conftest import Served
from tests.server.open_inference.conftest import Addresses

PAGE = (Path(__file__).parents[3] / "docs" / "open-inference.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    [found] = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def rank(addresses: Addresses, **change: Any) -> dict[str, Any]:
    body = {"user_id": "user-7"} | change
    return dict(addresses.rest.post("/v1/rank", json=body).raise_for_status().json())


@pytest.mark.redis
@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_python_example_runs_over_both_transports(addresses: Addresses, transport: str) -> None:
    program = block("python").replace("tritonclient.http", f"tritonclient.{transport}")
    program = program.replace("127.0.0.1:8080", getattr(addresses, transport))
    # The example leaves the budget at what production has; a busy machine may take longer.
    program = program.replace('"deadline_ms": 60', '"deadline_ms": 30000')
    names: dict[str, Any] = {}
    exec(program, names)
    names["client"].close()
    if transport == "http":
        names["client"].close = lambda: None
    candidates = [{"item_id": f"item-{n}", "bid": bid} for n, bid in ((1, 0.8), (2, 2.5), (3, 1.0))]
    told = rank(addresses, candidates=candidates, context={"placement": "feed"})
    assert [item_id.decode() for item_id in names["best"]] == told["item_ids"]
    scores = dict(zip(told["item_ids"], told["scores"], strict=True))
    assert names["scores"].tolist() == [scores[f"item-{n}"] for n in (1, 2, 3)]


@pytest.mark.redis
def test_curl_example_is_answered(addresses: Addresses) -> None:
    command = block("sh").replace("127.0.0.1:8080", addresses.http)
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True, text=True)
    outputs = {each["name"]: each["data"] for each in json.loads(done.stdout)["outputs"]}
    told = rank(addresses, item_ids=["item-1", "item-2"])
    assert dict(zip(["item-1", "item-2"], outputs["scores"], strict=True)) == dict(
        zip(told["item_ids"], told["scores"], strict=True)
    )
    assert outputs["tier"] == ["none", "none"]


def test_every_input_output_and_parameter_is_explained(served: Served) -> None:
    signature = signature_of(read_manifest(served.student)[0])
    columns = {*signature.context, *signature.item}
    names = {*signature.inputs, *signature.outputs} - columns
    names = {name for name in names if not name.startswith(TASK_SCORES)}
    own = set(Parameters.__struct_fields__) - {"binary_data_output"}
    assert {name for name in names | own if f"`{name}`" not in PAGE} == set()


def test_every_code_and_route_is_explained() -> None:
    assert {code.name for code in CODES.values()} <= set(re.findall(r"[A-Z]+_?[A-Z]+", PAGE))
    paths = [path for path in create_app(Settings()).openapi()["paths"] if path.startswith("/v2")]
    ends = {re.sub(r"/v2/models/\{name\}(/versions/\{version\})?", "…", path) for path in paths}
    assert {end for end in ends - {"…"} if f"{end}`" not in PAGE} == set()


def test_page_is_short() -> None:
    assert len(PAGE.splitlines()) <= 90
