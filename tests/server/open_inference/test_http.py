"""tritonclient.http, as it is installed, against a gateway on a real socket."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio

from models.schema import TIERS
from server.stages import STAGES, TOTAL
from tests.server.open_inference.clients import INPUTS, PARAMETERS, http_client, inputs_of, texts
from tests.server.open_inference.conftest import BODY, ITEMS, Addresses

pytestmark = pytest.mark.redis


@pytest.fixture
def client(addresses: Addresses) -> Iterator[Any]:
    with http_client(addresses.http) as client:
        yield client


def ranked(addresses: Addresses, **change: Any) -> dict[str, Any]:
    return dict(addresses.rest.post("/v1/rank", json=BODY | change).raise_for_status().json())


def infer(client: Any, arrays: dict[str, Any] = INPUTS, **parameters: Any) -> Any:
    inputs = inputs_of(triton, arrays)
    return client.infer("student", inputs, parameters=PARAMETERS | parameters)


def test_server_and_model_tell_of_themselves(client: Any, addresses: Addresses) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("student")
    assert client.is_model_ready("student", addresses.version)
    assert not client.is_model_ready("other")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    [model] = client.get_model_repository_index()
    assert model == {
        "name": "student", "version": addresses.version, "state": "READY", "reason": "",
    }  # fmt: skip


def test_metadata_declares_the_columns_of_the_log(client: Any, addresses: Addresses) -> None:
    metadata = client.get_model_metadata("student", addresses.version)
    inputs = {each["name"]: (each["datatype"], each["shape"]) for each in metadata["inputs"]}
    assert inputs == {
        "user_id": ("BYTES", [1]), "item_ids": ("BYTES", [-1]), "bid": ("FP32", [-1]),
        "placement": ("BYTES", [1]), "slot_width": ("FP32", [1]),
        "brand": ("BYTES", [-1]), "category": ("BYTES", [-1]), "price": ("FP32", [-1]),
    }  # fmt: skip
    outputs = {each["name"]: each["datatype"] for each in metadata["outputs"]}
    assert outputs == {
        "item_ids": "BYTES", "scores": "FP64", "values": "FP64", "tier": "BYTES",
        "available": "BOOL", "task_scores.click": "FP64", "task_scores.conversion": "FP64",
    }  # fmt: skip
    config = client.get_model_config("student")
    assert config["max_batch_size"] == 0
    assert {each["name"] for each in config["input"] if not each["optional"]} == {
        "user_id", "item_ids",
    }  # fmt: skip


def test_scores_are_those_of_rank_in_the_order_sent(client: Any, addresses: Addresses) -> None:
    answer, result = ranked(addresses, all_tasks=True), infer(client)
    assert texts(result.as_numpy("item_ids")) == ITEMS
    place = [answer["item_ids"].index(item_id) for item_id in ITEMS]
    for name, scores in (("scores", answer["scores"]), *(
        (f"task_scores.{task}", each) for task, each in answer["task_scores"].items()
    )):  # fmt: skip
        assert result.as_numpy(name).tolist() == [scores[at] for at in place]
    assert result.as_numpy("values").tolist() == result.as_numpy("scores").tolist()
    assert texts(result.as_numpy("tier")) == ["pair"] * 10 + ["user"] * 10
    assert result.as_numpy("available").all()


def test_answer_carries_what_is_known_of_it(client: Any, addresses: Addresses) -> None:
    result = client.infer(
        "student", inputs_of(triton, INPUTS), request_id="r-7", parameters=PARAMETERS
    ).get_response()
    assert (result["id"], result["model_version"]) == ("r-7", addresses.version)
    parameters = result["parameters"]
    assert (parameters["lane"], parameters["degraded"]) == ("stable", "")
    assert parameters["teacher_age_s"] == 60.0
    shares = {tier: parameters[f"coverage.{tier}"] for tier in TIERS}
    assert shares == dict.fromkeys(TIERS, 0.0) | {"pair": 0.5, "user": 0.5}


def test_slate_order_is_ranks(client: Any, addresses: Addresses) -> None:
    answer = ranked(addresses, top_k=7, diversity=0.9)
    result = infer(client, order="slate", top_k=7, diversity=0.9)
    assert texts(result.as_numpy("item_ids")) == answer["item_ids"]
    assert result.as_numpy("scores").tolist() == answer["scores"]


def test_top_k_in_input_order_is_the_same_slate_as_sent(client: Any, addresses: Addresses) -> None:
    best = set(ranked(addresses, top_k=7)["item_ids"])
    result = infer(client, top_k=7)
    assert texts(result.as_numpy("item_ids")) == [each for each in ITEMS if each in best]


def test_bids_and_features_are_those_of_candidates(client: Any, addresses: Addresses) -> None:
    bids = np.linspace(0.5, 4.0, 20).astype(np.float32)
    prices = np.linspace(1.0, 900.0, 20).astype(np.float32)
    candidates = [
        {"item_id": item_id, "bid": bid, "features": {"price": price}}
        for item_id, bid, price in zip(ITEMS, bids.tolist(), prices.tolist(), strict=True)
    ]
    body = {key: value for key, value in BODY.items() if key != "item_ids"}
    rest = addresses.rest.post("/v1/rank", json=body | {"candidates": candidates})
    answer = rest.raise_for_status().json()
    result = infer(client, INPUTS | {"bid": bids, "price": prices}, order="slate")
    assert texts(result.as_numpy("item_ids")) == answer["item_ids"]
    assert result.as_numpy("scores").tolist() == answer["scores"]
    assert result.as_numpy("values").tolist() == answer["values"]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_json_and_binary_say_the_same(client: Any, binary_in: bool, binary_out: bool) -> None:
    whole = infer(client)
    inputs = inputs_of(triton, INPUTS, binary_data=binary_in)
    names = ("tier", "scores", "available", "item_ids")
    outputs = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in names]
    result = client.infer("student", inputs, outputs=outputs, parameters=PARAMETERS)
    told = [each["name"] for each in result.get_response()["outputs"]]
    assert told == list(names)
    assert result.as_numpy("scores").tolist() == whole.as_numpy("scores").tolist()
    assert result.as_numpy("available").dtype == np.bool_
    for name in ("tier", "item_ids"):
        assert texts(result.as_numpy(name)) == texts(whole.as_numpy(name))


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_compressed_requests_are_read(client: Any, coding: str) -> None:
    inputs = inputs_of(triton, INPUTS)
    result = client.infer(
        "student", inputs, parameters=PARAMETERS, request_compression_algorithm=coding
    )
    assert result.as_numpy("scores").tolist() == infer(client).as_numpy("scores").tolist()


def test_unknown_columns_are_ignored_and_named(client: Any) -> None:
    unknown = {"mood": np.array(["calm"], np.object_), "size": np.ones(20, np.float32)}
    result = infer(client, INPUTS | unknown)
    assert result.get_response()["parameters"]["degraded"] == (
        "features:unknown_context,features:unknown_feature"
    )


def test_many_at_once_each_get_their_own(client: Any, addresses: Addresses) -> None:
    def one(user: int) -> list[float]:
        arrays = INPUTS | {"user_id": np.array([f"user-{user}"], np.object_)}
        with http_client(addresses.http) as own:
            scores: list[float] = infer(own, arrays).as_numpy("scores").tolist()
            return scores

    alone = [one(user) for user in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(one, range(8))) == alone


def test_greenlets_at_once_are_all_answered(addresses: Addresses) -> None:
    with http_client(addresses.http) as own:
        handles = [own.async_infer("student", inputs_of(triton, INPUTS)) for _ in range(8)]
        assert all(handle.get_result().as_numpy("scores").shape == (20,) for handle in handles)


async def test_aio_client_gets_the_same(client: Any, addresses: Addresses) -> None:
    async with triton_aio.InferenceServerClient(addresses.http) as own:
        assert await own.is_server_ready()
        assert (await own.get_model_metadata("student"))["versions"] == [addresses.version]
        inputs = inputs_of(triton_aio, INPUTS)
        result = await own.infer("student", inputs, parameters=PARAMETERS)
    assert result.as_numpy("scores").tolist() == infer(client).as_numpy("scores").tolist()


def test_statistics_count_what_came(client: Any, addresses: Addresses) -> None:
    def told() -> Any:
        [model] = client.get_inference_statistics("student", addresses.version)["model_stats"]
        return model

    before = told()
    infer(client)
    with pytest.raises(triton.InferenceServerException):
        infer(client, INPUTS | {"user_id": np.array([""], np.object_)})
    after = told()
    assert after["inference_count"] == before["inference_count"] + 1
    stats = after["inference_stats"]
    assert stats["fail"]["count"] == before["inference_stats"]["fail"]["count"] + 1
    parts = ("queue", "compute_input", "compute_infer", "compute_output")
    assert sum(stats[part]["ns"] for part in parts) == pytest.approx(
        stats["success"]["ns"], rel=0.01
    )
    assert client.get_inference_statistics()["model_stats"][0]["name"] == "student"


def test_requests_are_counted_under_one_route(client: Any, addresses: Addresses) -> None:
    infer(client)
    client.is_model_ready("another")
    page = addresses.rest.get("/metrics").text
    assert 'understudy_requests_total{route="/v2/models/{model}/infer",status="200"}' in page
    assert "/v2/models/another" not in page


def test_answer_says_where_the_time_went(addresses: Addresses) -> None:
    columns = {"user_id": ["user-1"], "item_ids": ITEMS}
    inputs = [
        {"name": name, "datatype": "BYTES", "shape": [len(data)], "data": data}
        for name, data in columns.items()
    ]
    answered = addresses.rest.post("/v2/models/student/infer", json={"inputs": inputs})
    timing = answered.headers["Server-Timing"]
    assert [part.partition(";")[0] for part in timing.split(", ")] == [*STAGES, TOTAL]
