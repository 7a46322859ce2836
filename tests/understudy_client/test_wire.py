"""The client's types are those of the gateway."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server import status_wire
from server import wire as served_wire
from understudy_client import status, wire
from understudy_client.bodies import CODECS, Encoding
from understudy_client.bodies import given as given_fields
from understudy_client.client import Client
from understudy_client.errors import InvalidRequest
from understudy_client.wire import Candidate, RankOptions

IDS = st.text(min_size=1, max_size=12)
VALUES = st.none() | st.text(max_size=8) | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6)
FEATURES = st.none() | st.dictionaries(st.text(max_size=8), VALUES, max_size=3)
BIDS = st.none() | st.floats(0.0, 1e12)
CANDIDATES = st.lists(st.builds(Candidate, IDS, BIDS, FEATURES), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def client(gateway: httpx.Client) -> Iterator[Client]:
    with Client(str(gateway.base_url), deadline_ms=30_000.0) as client:
        yield client


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *((wire, name) for name in (
            "Candidate", "Coverage", "Degraded", "Diversity", "EventsAccepted", "ItemsAccepted",
            "Ready",
        )),
        *((status, name) for name in (
            "CacheStatus", "ObjectiveStatus", "RefreshStatus", "StudentStatus", "WindowStatus",
            "WorthSlice", "WorthStatus",
        )),
    ],
)  # fmt: skip
def test_struct_has_the_fields_of_the_gateways(module: Any, name: str) -> None:
    theirs = getattr(served_wire, name, None) or getattr(status_wire, name)
    assert missing(theirs, getattr(module, name)) == set()


def test_events_and_items_have_the_fields_of_the_gateways() -> None:
    assert missing(served_wire.EventEntry, wire.Event) == set()
    assert missing(served_wire.ItemEntry, wire.Item) == set()


def test_ranking_has_every_column_of_the_answer() -> None:
    assert missing(served_wire.RankAnswer, wire.Ranking) == set()


def missing(theirs: type[msgspec.Struct], ours: type[msgspec.Struct]) -> set[str]:
    return set(theirs.__struct_fields__) - set(ours.__struct_fields__)


def test_rank_takes_every_field_of_the_request() -> None:
    taken = set(RankOptions.__annotations__) | {"user_id", "item_ids"}
    assert set(served_wire.RankRequest.__struct_fields__) - taken == set()


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
@given(candidates=CANDIDATES)
def test_candidates_reach_the_gateway_as_they_were(
    encoding: Encoding, candidates: list[Candidate]
) -> None:
    heard = sent_and_heard(encoding, candidates=candidates).candidates
    assert heard is not None
    assert [(c.item_id, c.bid, c.features) for c in heard] == [
        (c.item_id, c.bid, c.features) for c in candidates
    ]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_numbers_of_numpy_and_mappings_of_any_kind_are_sent(encoding: Encoding) -> None:
    prices: Any = MappingProxyType({"price": np.float32(2.5), "stock": np.int64(7)})
    candidates = (Candidate("item-1", bid=np.float64(0.5), features=prices),)
    heard = sent_and_heard(encoding, candidates=candidates, context=MappingProxyType({"a": "b"}))
    assert heard.candidates == [
        served_wire.Candidate("item-1", bid=0.5, features={"price": 2.5, "stock": 7})
    ]
    assert heard.context == {"a": "b"}


class Named(str):
    """Text of another type that shows itself otherwise."""

    def __str__(self) -> str:
        return f"the item {super().__str__()}"


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
@pytest.mark.parametrize(
    "item_ids",
    [
        np.array(["a", "b"]),
        np.array(["a", "b"], dtype=object),
        [np.str_("a"), np.str_("b")],
        (Named("a"), Named("b")),
    ],
)
def test_text_of_numpy_and_of_other_types_is_sent_as_text(
    encoding: Encoding, item_ids: Any
) -> None:
    heard = sent_and_heard(encoding, item_ids=item_ids, task=item_ids[0])
    assert (heard.item_ids, heard.task) == (["a", "b"], "a")


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_text_of_numpy_names_columns_and_is_a_value(encoding: Encoding) -> None:
    features: Any = {np.str_("brand"): np.str_("acme"), "stock": np.int64(7)}
    heard = sent_and_heard(encoding, candidates=[Candidate(np.str_("a"), features=features)])
    assert heard.candidates == [served_wire.Candidate("a", features={"brand": "acme", "stock": 7})]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
@pytest.mark.parametrize("item_ids", [np.array([b"a"]), [np.bytes_(b"a")]])
def test_bytes_of_numpy_are_no_text(encoding: Encoding, item_ids: Any) -> None:
    with pytest.raises(InvalidRequest, match="give text"):
        sent_and_heard(encoding, item_ids=item_ids)


def test_bytes_are_not_sent_as_base64() -> None:
    with pytest.raises(InvalidRequest, match="bytes"):
        sent_and_heard("json", item_ids=[b"a"])


def test_array_of_texts_is_ranked(client: Client) -> None:
    assert sorted(client.rank("user-1", np.array(["item-1", "item-2"])).item_ids) == [
        "item-1", "item-2",
    ]  # fmt: skip


def sent_and_heard(encoding: Encoding, **fields: Any) -> served_wire.RankRequest:
    body = CODECS[encoding].encode(given_fields({"user_id": "u", **fields}))
    if encoding == "json":
        return msgspec.json.decode(body, type=served_wire.RankRequest)
    return msgspec.msgpack.decode(body, type=served_wire.RankRequest)


@settings(deadline=None, max_examples=40)
@given(item_ids=st.lists(IDS, min_size=1, max_size=20, unique=True), data=st.data())
def test_whatever_is_ranked_comes_back_once(
    client: Client, item_ids: list[str], data: st.DataObject
) -> None:
    bids = data.draw(st.lists(st.floats(0.0, 1e12), min_size=len(item_ids), max_size=len(item_ids)))
    bid_of = dict(zip(item_ids, bids, strict=True))
    candidates = [Candidate(item_id, bid) for item_id, bid in bid_of.items()]
    ranking = client.rank("user-1", candidates=candidates)
    assert sorted(ranking.item_ids) == sorted(item_ids)
    assert ranking.values is not None
    for item_id, score, value in zip(ranking.item_ids, ranking.scores, ranking.values, strict=True):
        assert value == score * bid_of[item_id]
