from typing import Any

import pytest

from models.manifest import read_manifest
from models.schema import Column
from server.errors import InvalidRequest
from server.open_inference.call import Call, Parameters
from server.open_inference.reading import input_name, named_by_input, read
from server.open_inference.signature import Signature, signature_of
from server.open_inference.tensors import Tensor, column
from tests.server.conftest import Served


@pytest.fixture(scope="session")
def signature(served: Served) -> Signature:
    return signature_of(read_manifest(served.student)[0])


TWO = [column("user_id", "BYTES", ["u"]), column("item_ids", "BYTES", ["a", "b"])]


def call(*more: Tensor, **parameters: Any) -> Call:
    return Call("", [*TWO, *more], Parameters(**parameters), ["scores"])


def test_bare_ids_are_read_as_bare_ids(signature: Signature) -> None:
    request = read(signature, call())
    assert (request.user_id, request.item_ids, request.candidates) == ("u", ["a", "b"], None)
    assert (request.request_id, request.context, request.deadline_ms) == (None, {}, None)


def test_columns_become_context_bids_and_features(signature: Signature) -> None:
    request = read(
        signature,
        call(
            column("placement", "BYTES", ["feed"]),
            column("slot_width", "FP64", [320.0]),
            column("bid", "FP32", [0.5, 2.0]),
            column("brand", "BYTES", ["x", "y"]),
            column("price", "INT64", [3, 4]),
        ),
    )
    assert request.context == {"placement": "feed", "slot_width": 320.0}
    candidates = [(c.item_id, c.bid, c.features) for c in request.candidates or ()]
    assert candidates == [
        ("a", 0.5, {"brand": "x", "price": 3}),
        ("b", 2.0, {"brand": "y", "price": 4}),
    ]


def test_unknown_column_belongs_where_its_shape_says(signature: Signature) -> None:
    request = read(
        signature, call(column("mood", "BYTES", ["calm"]), column("size", "FP32", [1.0, 2.0]))
    )
    assert request.context == {"mood": "calm"}
    assert [c.features for c in request.candidates or ()] == [{"size": 1.0}, {"size": 2.0}]


def test_every_tasks_scores_are_worked_out_when_they_are_asked_for(signature: Signature) -> None:
    whole = call()._replace(outputs=[])
    one = call()._replace(outputs=["task_scores.conversion"])
    asked = [read(signature, each).all_tasks for each in (call(), whole, one)]
    assert asked == [False, True, True]


@pytest.mark.parametrize(
    ("parameters", "left_ms", "deadline_ms"),
    [
        ({}, None, None),
        ({"deadline_ms": 40.0}, None, 40.0),
        ({"timeout": 30_000}, None, 30.0),
        ({"timeout": 0}, None, None),
        ({"deadline_ms": 40.0, "timeout": 30_000}, 50.0, 30.0),
        ({"deadline_ms": 40.0}, 20.0, 20.0),
        ({}, 3_600_000.0, 60_000.0),
    ],
)
def test_earliest_of_the_deadlines_holds(
    signature: Signature,
    parameters: dict[str, Any],
    left_ms: float | None,
    deadline_ms: float | None,
) -> None:
    asked = call(**parameters)._replace(left_ms=left_ms)
    assert read(signature, asked).deadline_ms == deadline_ms


@pytest.mark.parametrize(
    ("more", "parameters", "field"),
    [
        ([column("user_id", "BYTES", ["v"])], {}, "user_id"),
        ([column("bid", "BYTES", ["1", "2"])], {}, "bid"),
        ([column("bid", "BOOL", [True, False])], {}, "bid"),
        ([column("bid", "FP32", [1.0])], {}, "bid"),
        ([column("bid", "FP32", [1.0, -1.0])], {}, "bid[1]"),
        ([column("placement", "FP32", [1.0])], {}, "placement"),
        ([column("placement", "BYTES", ["a", "b"])], {}, "placement"),
        ([column("price", "FP32", [1.0, 2.0, 3.0])], {}, "price"),
        ([column("mood", "BYTES", ["a", "b", "c"])], {}, "mood"),
        ([Tensor("price", "FP32", (1, 2), [1.0, 2.0])], {}, "price"),
        ([column(f"x{n}", "FP32", [1.0]) for n in range(1024)], {}, "inputs"),
        ([], {"top_k": 0}, "top_k"),
        ([], {"diversity": 2.0}, "diversity"),
        ([], {"deadline_ms": -1.0}, "deadline_ms"),
    ],
)
def test_refusals_name_the_input(
    signature: Signature, more: list[Tensor], parameters: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused, named_by_input():
        read(signature, call(*more, **parameters))
    assert refused.value.field == field
    assert refused.value.remedy


@pytest.mark.parametrize("missing", ["user_id", "item_ids"])
def test_missing_input_is_named(signature: Signature, missing: str) -> None:
    inputs = [tensor for tensor in TWO if tensor.name != missing]
    with pytest.raises(InvalidRequest, match="missing") as refused:
        read(signature, call()._replace(inputs=inputs))
    assert refused.value.field == missing


def test_no_candidates_are_refused(signature: Signature) -> None:
    inputs = [TWO[0], column("item_ids", "BYTES", []), column("mood", "BYTES", [])]
    with pytest.raises(InvalidRequest, match="no candidates"):
        read(signature, call()._replace(inputs=inputs))


def test_unknown_output_is_refused_with_those_there_are(signature: Signature) -> None:
    with pytest.raises(InvalidRequest, match=r"task_scores\.click"):
        read(signature, call()._replace(outputs=["logits"]))


def test_fields_of_a_rank_request_are_told_as_inputs() -> None:
    fields = ("candidates[3].features.price", "context.slot_width", "item_ids[2]", "top_k")
    assert [input_name(each) for each in fields] == [
        "price[3]",
        "slot_width",
        "item_ids[2]",
        "top_k",
    ]


def test_column_of_a_taken_name_goes_by_its_table(served: Served) -> None:
    manifest = read_manifest(served.student)[0]
    clash = Column(name="placement", kind="categorical", buckets=8)
    bid = Column(name="bid", kind="number")
    log = manifest.features.log.model_copy(update={"item": (clash,), "user": ()})
    log = log.model_copy(update={"context": (*log.context, bid)})
    features = manifest.features.model_copy(update={"log": log})
    signature = signature_of(manifest.model_copy(update={"features": features}))
    assert signature.item == {"item.placement": "placement"}
    assert signature.context["context.bid"] == "bid"
    assert signature.inputs["bid"].size == -1
