"""The same request, online and offline, to the last bit."""

import json
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

from cache.sequence import Spoken
from cache.tiers import PAIR, TtlPolicy
from models.features.catalogue import Catalogue
from models.features.live_catalogue import LiveCatalogue
from models.features.records import F64, CacheAnswer, Hints, ZSequence
from models.features.snapshot import UsersSnapshot
from models.manifest import WARMUP
from models.runtime import Model, load
from models.schema import TIERS, FeatureSchema, TensorSpec
from server.assembly import Assembler, Prepared
from server.candidates import CandidateColumns
from server.columns import Table
from tests.bundles import NOW_MS, rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.loaded_cache import clear, page_of, record_of, records_of, write
from tests.server.offline import offline_arrays

AGE_S = 90


def catalogue_of(served: Served) -> Catalogue:
    return Catalogue.load(served.folder / "catalogue.safetensors")


def users_of(served: Served) -> UsersSnapshot:
    return UsersSnapshot.load(served.folder / "users.safetensors")


def warmup_bodies(served: Served) -> list[dict[str, Any]]:
    bodies: list[dict[str, Any]] = json.loads((served.student / WARMUP).read_bytes())
    return bodies


def scored(model: Model, served: Served, body: dict[str, Any], cached: CacheAnswer | None) -> F64:
    arrays = offline_arrays(
        model.manifest.features, catalogue_of(served), users_of(served), [body], cached
    )
    return model.probabilities(model.run(arrays).logit, 0)


def by_item(answer: dict[str, Any], body: dict[str, Any]) -> list[float]:
    scores = dict(zip(answer["item_ids"], answer["scores"], strict=True))
    return [scores[item_id] for item_id in body["item_ids"]]


@pytest.mark.parametrize("media", ["json", "msgpack"])
@pytest.mark.redis
def test_live_scores_are_the_offline_scores(served: Served, redis_url: str, media: str) -> None:
    clear(redis_url)
    write(redis_url, records_of(users_of(served)))
    model = load(served.student)
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        for body in warmup_bodies(served):
            answer = ask(client, body, media)
            assert answer["degraded"] == []
            assert by_item(answer, body) == scored(model, served, body, None).tolist()


def ask(client: httpx.Client, body: dict[str, Any], media: str) -> dict[str, Any]:
    if media == "json":
        answered = client.post("/v1/rank", json=body)
        return dict(answered.raise_for_status().json())
    answered = client.post(
        "/v1/rank",
        content=msgspec.msgpack.encode(body),
        headers={"Content-Type": "application/msgpack"},
    )
    assert answered.headers["Content-Type"] == "application/msgpack"
    return dict(msgspec.msgpack.decode(answered.raise_for_status().content))


@pytest.mark.redis
def test_live_scores_with_hints_are_the_offline_scores(served: Served, redis_url: str) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20, 8)).astype(np.float16).astype(np.float32)
    logit = rng.normal(size=(20, 2)).astype(np.float32)
    body = rank_body("user-3", 20, seed=9, timestamp_ms=NOW_MS)
    clear(redis_url)
    write(redis_url, records_of(users_of(served)))
    users = users_of(served)
    events = slice(*users.history_offsets[[3, 4]])
    z_past = np.array([[0.5] * 8, [-0.25] * 8], np.float32)
    past = Spoken(users.history_times_ms[events][:2], z_past)  # of the older two of three
    pages = page_of("user-3", body["item_ids"], z, logit, NOW_MS - AGE_S * 1000, past=past)
    write(redis_url, pages)
    ages = np.full(20, AGE_S, np.float32)
    hints = Hints(z, logit, np.full(20, PAIR, np.int64), ages)
    sequence = ZSequence(np.zeros((1, 4, 8), np.float32), np.array([[0, 1, 1, 0]], np.float32))
    sequence.z[0, 1:3] = z_past
    cached = CacheAnswer(hints, sequence)
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        answer = ask(client, body, "json")
    assert answer["coverage"] == dict.fromkeys(TIERS, 0.0) | {"pair": 1.0}
    assert answer["teacher_age_s"] == AGE_S
    assert by_item(answer, body) == scored(load(served.student), served, body, cached).tolist()


def prepared_of(
    schema: FeatureSchema, users: UsersSnapshot, bodies: list[dict[str, Any]]
) -> list[Prepared]:
    context = Table(schema.log.context)
    return [
        Prepared(
            body["timestamp_ms"],
            None,
            record_of(users, users.user_ids.index(body["user_id"])),
            context.row(body["context"], "context"),
            CandidateColumns(body["item_ids"], None, [], False),
        )
        for body in bodies
    ]


def test_features_of_one_request_are_those_of_a_batch(served: Served) -> None:
    schema = load(served.student).manifest.features
    catalogue, users = catalogue_of(served), users_of(served)
    bodies = warmup_bodies(served)
    batch = offline_arrays(schema, catalogue, users, bodies)
    assembler = Assembler(schema, LiveCatalogue(schema, catalogue), TtlPolicy())
    requests = prepared_of(schema, users, bodies)
    together = assembler.assemble(requests)
    start = 0
    for position, (request, body) in enumerate(zip(requests, bodies, strict=True)):
        end = start + len(body["item_ids"])
        for made in (
            assembler.assemble([request]).inputs(0, 1),
            together.inputs(position, position + 1),
        ):
            for spec in schema.inputs():
                check_part(spec, made[spec.name], batch[spec.name], position, (start, end))
        start = end


def test_requests_in_one_run_are_told_apart(served: Served) -> None:
    schema = load(served.student).manifest.features
    bodies = warmup_bodies(served)[:3]
    assembler = Assembler(schema, LiveCatalogue(schema, catalogue_of(served)), TtlPolicy())
    together = assembler.assemble(prepared_of(schema, users_of(served), bodies))
    sizes = [len(body["item_ids"]) for body in bodies[1:]]
    assert together.inputs(1, 3)["request_index"].tolist() == [0] * sizes[0] + [1] * sizes[1]


def check_part(
    spec: TensorSpec, got: Any, whole: Any, position: int, span: tuple[int, int]
) -> None:
    expected = whole[slice(*span)] if spec.shape[0] == "N" else whole[position : position + 1]
    if spec.name == "request_index":
        expected = expected - position
    elif spec.name.startswith("group_"):
        expected = np.arange(span[1] - span[0]).reshape(got.shape)
    assert got.dtype == expected.dtype, spec.name
    assert got.shape == expected.shape, spec.name
    assert got.tobytes() == expected.tobytes(), spec.name
