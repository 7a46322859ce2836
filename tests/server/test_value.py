"""What orders: the bundle's formula over its tasks and the bid, unless a request names a task."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from pydantic import ValidationError

from models.manifest import ManifestInvalid, ValueFormula, read_manifest
from tests.bundles import linear_student, rank_body, tiny_catalogue
from tests.server.live import live_gateway, settings_for

POWERS = {"click": 1.0, "conversion": 0.5}


@pytest.fixture(scope="module")
def valued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("valued")
    tiny_catalogue().save(folder / "catalogue.safetensors")
    with live_gateway(settings_for(linear_student(folder, value=POWERS))) as client:
        yield client


def test_formula_orders_and_its_values_come_back(valued: httpx.Client) -> None:
    told = valued.post("/v1/rank", json=rank_body("user-1", 30, all_tasks=True)).json()
    tasks = {task: np.array(scores) for task, scores in told["task_scores"].items()}
    worth = tasks["click"] * tasks["conversion"] ** 0.5
    np.testing.assert_allclose(told["values"], worth, rtol=1e-9)
    assert told["values"] == sorted(told["values"], reverse=True)
    assert told["scores"] == told["task_scores"]["click"]


def test_bid_multiplies_the_formula(valued: httpx.Client) -> None:
    body = rank_body("user-1", 6, all_tasks=True)
    bids = {item: 1.0 + place for place, item in enumerate(body.pop("item_ids"))}
    candidates = [{"item_id": item, "bid": bid} for item, bid in bids.items()]
    told = valued.post("/v1/rank", json={**body, "candidates": candidates}).json()
    tasks = {task: np.array(scores) for task, scores in told["task_scores"].items()}
    worth = tasks["click"] * tasks["conversion"] ** 0.5
    offered = np.array([bids[item] for item in told["item_ids"]])
    np.testing.assert_allclose(told["values"], worth * offered, rtol=1e-9)


@pytest.mark.parametrize("task", ["click", "conversion"])
def test_a_named_task_orders_by_itself(valued: httpx.Client, task: str) -> None:
    told = valued.post("/v1/rank", json=rank_body("user-1", 30, task=task, all_tasks=True)).json()
    assert "values" not in told
    assert told["scores"] == told["task_scores"][task] == sorted(told["scores"], reverse=True)


def test_without_a_formula_nothing_is_said_of_other_tasks(gateway: httpx.Client) -> None:
    told = gateway.post("/v1/rank", json=rank_body("user-1", 5)).json()
    assert "values" not in told
    assert "task_scores" not in told


def test_formula_is_a_product_of_powers_by_hand() -> None:
    formula = ValueFormula(powers={"click": 2.0, "conversion": -1.0})
    p = {"click": np.array([0.5, 0.1]), "conversion": np.array([0.25, 0.5])}
    np.testing.assert_allclose(formula.of(p), [0.25 / 0.25, 0.01 / 0.5])
    np.testing.assert_array_equal(p["click"], [0.5, 0.1])


def test_formula_of_a_task_that_is_not_the_bundles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="value names watch; tasks are click, conversion"):
        linear_student(tmp_path, value={"watch": 1.0})
    folder = linear_student(tmp_path, value=POWERS)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"conversion": 0.5', '"watch": 0.5'))
    with pytest.raises(ManifestInvalid, match="watch"):
        read_manifest(folder)
