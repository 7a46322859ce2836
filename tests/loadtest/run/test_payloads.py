import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtest.errors import LoadInvalid, ReplayInvalid
from loadtest.run.payloads import Source, bodies, encoded, source_of
from loadtest.run.scenario import Payload, find_scenario

ITEMS = [f"ad{number}" for number in range(1200)]
SOURCE = Source([f"u{number}" for number in range(500)], ITEMS, {"scene": "feed"})


def _users(payload: Payload, count: int = 4000, seed: int = 1) -> Counter[str]:
    return Counter(body["user_id"] for body in bodies(SOURCE, payload, count, seed))


def _seeded(payload: Payload, count: int = 2000, seed: int = 1) -> list[Any]:
    return bodies(SOURCE, payload, count, seed)


def test_skew_gives_few_users_most_of_the_requests() -> None:
    even, skewed = _users(Payload(skew=0.0)), _users(Payload(skew=1.6))
    assert even.most_common(1)[0][1] < 30
    assert sum(count for _, count in skewed.most_common(10)) > 0.6 * 4000


def test_repeated_requests_are_earlier_ones_word_for_word() -> None:
    again = Counter(json.dumps(body) for body in _seeded(Payload(repeat=0.4)))
    assert len(again) / 2000 == pytest.approx(0.6, abs=0.04)


def test_sizes_come_in_their_shares() -> None:
    payload = find_scenario("mixed-sizes").payload
    assert payload is not None
    sizes = Counter(len(body["item_ids"]) for body in _seeded(payload))
    assert {size: round(count / 2000, 1) for size, count in sizes.items()} == pytest.approx(
        {20: 0.5, 100: 0.3, 300: 0.15, 1000: 0.05}, abs=0.06
    )


def test_candidates_of_a_request_are_distinct_and_in_context() -> None:
    for body in _seeded(Payload(), count=50):
        assert len(set(body["item_ids"])) == 100
        assert body["context"] == {"scene": "feed"}


def test_same_seed_asks_the_same() -> None:
    assert _seeded(Payload(), 20) == _seeded(Payload(), 20)
    assert _seeded(Payload(), 20) != _seeded(Payload(), 20, seed=2)


def test_fresh_users_are_others_in_every_run() -> None:
    payload = Payload(fresh_users=True)
    assert not _users(payload).keys() & _users(payload).keys()


def test_a_log_is_sent_as_it_is_but_as_of_now(tmp_path: Path) -> None:
    path = tmp_path / "replay.jsonl"
    body = {"user_id": "u", "item_ids": ["a"], "timestamp_ms": 1}
    path.write_text(json.dumps({"request": body, "shown": []}) + "\n")
    source = source_of(str(path))
    assert bodies(source, None, 10, seed=1) == [{"user_id": "u", "item_ids": ["a"]}]
    assert source.times_ms == [1]


def test_a_log_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayInvalid):
        source_of(str(tmp_path / "replay.jsonl"))


def test_fewer_items_than_candidates_are_refused() -> None:
    with pytest.raises(LoadInvalid, match="1500 candidates of 1200 items"):
        _seeded(Payload(sizes={1500: 1.0}))


def test_either_wire_carries_the_same_body_and_the_key() -> None:
    for wire, decode in (("json", json.loads), ("msgpack", msgspec.msgpack.decode)):
        [request] = encoded([{"user_id": "u"}], wire, "secret")
        head, _, body = request.partition(b"\r\n\r\n")
        assert decode(body) == {"user_id": "u"}
        assert b"authorization: Bearer secret" in head
        assert f"content-type: application/{wire}".encode() in head
    with pytest.raises(LoadInvalid, match="json or msgpack"):
        encoded([], "xml", None)
