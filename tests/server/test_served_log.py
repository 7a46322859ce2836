"""What is kept of an answer is what the model was given and what the caller got."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import redis

from cache.keys import SERVED_STREAM
from cache.refresh.archive import Archive
from cache.refresh.archive_folder import ArchiveFolder
from cache.refresh.archive_table import Delivered
from cache.refresh.tally import Tally
from cache.served import Served, decode
from models.features.prior_rates import prior_scores
from models.features.records import Arrays
from models.runtime import Model, Outputs
from models.schema import TIERS
from tests.bundles import NOW_MS
from tests.cache.refresh.archived import requests_of
from tests.cache.served_requests import assert_same
from tests.server.conftest import Served as ServedFolder
from tests.server.kept import Keeping, alone, body_of, loaded_lane
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.loaded_cache import clear


@pytest.fixture
async def keeping(served: ServedFolder) -> Keeping:
    return Keeping(await loaded_lane(served))


async def test_kept_arrays_give_the_served_logits_to_the_bit(keeping: Keeping) -> None:
    for number, count in enumerate((1, 7, 20, 200)):
        [(ranked, _)] = await keeping.answer(body_of(number, count))
        kept = (await keeping.kept())[-1]
        session = keeping.lane.model.session
        [logit] = session.run(None, alone(kept))
        assert kept.logit is not None
        assert logit.tobytes() == kept.logit.tobytes()
        assert ranked.scored.logit is not None
        assert kept.logit.tobytes() == ranked.scored.logit.tobytes()


async def test_archived_arrays_give_the_served_logits_to_the_bit(
    keeping: Keeping, tmp_path: Path
) -> None:
    for number in range(3):
        await keeping.answer(body_of(number, 5 + number))
    archive, kept = (
        Archive(ArchiveFolder.open(str(tmp_path)), Tally("archive")),
        await keeping.kept(),
    )
    await archive.process([Delivered(b"1-%d" % at, each) for at, each in enumerate(kept)])
    for read, written in zip(requests_of(tmp_path), kept, strict=True):
        assert_same(read, written)
        [logit] = keeping.lane.model.session.run(None, alone(read))
        assert read.logit is not None
        assert logit.tobytes() == read.logit.tobytes()


async def test_inputs_of_a_request_in_company_are_those_of_it_alone(keeping: Keeping) -> None:
    bodies = [body_of(number, 8 + number) for number in range(4)]
    together = await keeping.answer(*bodies)
    assert len({id(answered.ranked.inputs.assembly) for answered in together}) == 1
    for body in bodies:
        await keeping.answer(body)
    in_company, by_itself = (await keeping.kept())[:4], (await keeping.kept())[4:]
    for one, other in zip(in_company, by_itself, strict=True):
        assert one.request_id == other.request_id
        for name, array in alone(one).items():
            assert array.tobytes() == alone(other)[name].tobytes(), name
        assert one.logit is not None
        assert other.logit is not None
        np.testing.assert_allclose(one.logit, other.logit, atol=1e-6)


async def test_what_waits_in_the_queue_keeps_no_batch_alive(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Served] = []
    monkeypatch.setattr(keeping.log.feed, "offer", lambda make: made.append(make()))
    [(ranked, _), *_] = await keeping.answer(body_of(0), body_of(1))
    held = made[0]
    columns = [held.age_s, held.tier, held.logit, *alone(held).values()]
    for array in ranked.inputs.assembly.arrays.values():
        assert not any(np.shares_memory(array, column) for column in columns if column is not None)


async def test_every_input_with_a_source_is_kept_and_nothing_else(keeping: Keeping) -> None:
    await keeping.answer(body_of(0))
    [kept] = await keeping.kept()
    inputs = keeping.lane.model.manifest.inputs
    named = {spec.name: spec.shape[0] for spec in inputs if spec.source is not None}
    assert set(kept.user_side) == {name for name, first in named.items() if first == "R"}
    assert set(kept.candidate_side) == {name for name, first in named.items() if first == "N"}


async def test_answer_is_kept_as_it_was_given(keeping: Keeping) -> None:
    body = body_of(1, 20, top_k=5, task="conversion")
    candidates = [{"item_id": id_, "bid": 2.0 + n} for n, id_ in enumerate(body.pop("item_ids"))]
    [(_, answer)] = await keeping.answer(body | {"candidates": candidates})
    [kept] = await keeping.kept()
    assert (kept.request_id, kept.user_id, kept.timestamp_ms) == ("request-1", "user-1", NOW_MS)
    assert (kept.model, kept.version, kept.lane) == (answer.model, answer.version, "stable")
    assert kept.task == "conversion"
    assert kept.context == {"placement": "feed", "slot_width": "320"}
    assert kept.item_ids == [candidate["item_id"] for candidate in candidates]
    slate = [kept.item_ids[at] for at in np.argsort(kept.position) if kept.position[at] >= 0]
    assert slate == answer.item_ids
    shown = np.argsort(kept.position)[-5:]
    assert kept.scores[shown, 1].tolist() == answer.scores
    assert kept.values is not None
    assert kept.bids is not None
    assert kept.values[shown].tolist() == answer.values
    assert kept.bids.tolist() == [candidate["bid"] for candidate in candidates]
    assert kept.coverage == {tier: getattr(answer.coverage, tier) for tier in TIERS}
    assert kept.coverage["pair"] == np.mean(kept.tier == TIERS.index("pair")) == 0.5
    assert set(kept.age_s[kept.tier > 0].tolist()) == {60.0}


async def test_scores_are_of_every_task_though_one_was_asked_for(keeping: Keeping) -> None:
    [(_, first)] = await keeping.answer(body_of(2, all_tasks=True))
    await keeping.answer(body_of(2))
    for kept in await keeping.kept():
        order = np.argsort(kept.position)
        assert first.task_scores == {
            task: kept.scores[order, at].tolist() for at, task in enumerate(kept.tasks)
        }


async def test_model_that_failed_leaves_no_logits_and_the_prior_scores(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(model: Model, arrays: Arrays) -> Outputs:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Model, "run", fails)
    [(ranked, answer)] = await keeping.answer(body_of(3))
    [kept] = await keeping.kept()
    assert kept.logit is None
    expected = prior_scores(ranked.assembled.counters, (0.04, 0.005))
    assert kept.scores.tolist() == expected.tolist()
    assert kept.scores[np.argsort(kept.position), 0].tolist() == answer.scores
    assert kept.degraded == [("inference", "failed")]


async def test_student_without_a_teacher_is_kept_without_hints(served: ServedFolder) -> None:
    keeping = Keeping(await loaded_lane(served, taught=False))
    await keeping.answer(body_of(0, 3))
    [kept] = await keeping.kept()
    assert kept.tier.tolist() == [0, 0, 0]
    assert kept.age_s.tolist() == [0.0, 0.0, 0.0]
    assert kept.values is kept.bids is None
    assert "teacher_z" not in kept.candidate_side


async def test_same_request_is_the_same_choice(served: ServedFolder) -> None:
    keeping = Keeping(await loaded_lane(served), share=0.5)
    for _ in range(2):
        for number in range(40):
            await keeping.answer(body_of(0, 1, request_id=f"r-{number}"))
    ids = [kept.request_id for kept in await keeping.kept()]
    assert ids[: len(ids) // 2] == ids[len(ids) // 2 :]
    assert 10 < len(ids) // 2 < 30


@pytest.mark.parametrize(("share", "kept"), [(1.0, 200), (0.0, 0)])
async def test_share_bounds_are_all_and_none(served: ServedFolder, share: float, kept: int) -> None:
    keeping = Keeping(await loaded_lane(served), share)
    await keeping.answer(*(body_of(0, 1, request_id=f"r-{number}") for number in range(200)))
    assert keeping.log.feed.counts["offered"] == kept


def samples(client: httpx.Client) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    told = [line.rsplit(" ", 1) for line in lines if line.startswith("understudy_served")]
    return {name: float(value) for name, value in told}


def rank(client: httpx.Client, **extra: Any) -> dict[str, Any]:
    answered = client.post("/v1/rank", json=body_of(0, **extra)).raise_for_status()
    return dict(answered.json())


@pytest.mark.redis
def test_gateway_sends_what_it_keeps_and_counts_it(served: ServedFolder, redis_url: str) -> None:
    clear(redis_url)
    settings = settings_for(served.student, redis_url=redis_url, served_share=1.0)
    with live_gateway(settings) as client, redis.Redis.from_url(redis_url) as direct:
        answer = rank(client)
        wait_until(lambda: direct.xlen(SERVED_STREAM), "a served message")
        [(_, fields)] = direct.xrange(SERVED_STREAM)
        kept = decode(next(iter(fields.values())))
        order = np.argsort(kept.position)
        assert kept.scores[order, 0].tolist() == answer["scores"]
        sent = 'understudy_served_total{outcome="sent"}'
        wait_until(lambda: samples(client).get(sent) == 1.0, "the message to be counted")
        assert samples(client)['understudy_served_total{outcome="offered"}'] == 1.0
        assert samples(client)["understudy_served_share"] == 1.0


@pytest.mark.redis
def test_gateway_with_no_share_keeps_nothing(served: ServedFolder, redis_url: str) -> None:
    settings = settings_for(served.student, redis_url=redis_url, served_share=0.0)
    with live_gateway(settings) as client:
        rank(client)
        assert samples(client) == {"understudy_served_share": 0.0}
