from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct
from starlette.requests import ClientDisconnect

from server.body import BodyReader, invalid, shown
from server.errors import BodyTooLarge, InvalidRequest, Unreadable, UnsupportedMedia
from server.wire import RankRequest

JSON = b"application/json"
PACKED = b"application/msgpack"


async def read(
    parts: Sequence[bytes], content_type: bytes = JSON, length: int | None = None
) -> RankRequest:
    headers = [(b"content-type", content_type)]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": at + 1 < len(parts)}
        for at, part in enumerate(parts)
    ]
    messages.append({"type": "http.disconnect"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    reader = BodyReader(RankRequest, max_bytes=2000)
    request, _ = await reader.read({"headers": headers}, receive)
    return request


@pytest.mark.parametrize("content_type", [JSON, b"application/json; charset=utf-8", b""])
async def test_json_is_read(content_type: bytes) -> None:
    request = await read([b'{"user_id":"u",', b'"item_ids":["a"]}'], content_type)
    assert request.item_ids == ["a"]


@pytest.mark.parametrize("content_type", [PACKED, b"application/x-msgpack", b"Application/MsgPack"])
async def test_message_pack_is_read(content_type: bytes) -> None:
    body = msgspec.msgpack.encode({"user_id": "u", "item_ids": ["a"]})
    assert (await read([body], content_type)).user_id == "u"


async def test_declared_size_is_refused_before_anything_is_read() -> None:
    with pytest.raises(BodyTooLarge):
        await read([b"{}"], length=2001)


async def test_undeclared_size_is_refused_as_it_arrives() -> None:
    with pytest.raises(BodyTooLarge):
        await read([b"x" * 1500, b"x" * 501, b"never read"])


async def test_caller_that_hangs_up_is_noticed() -> None:
    with pytest.raises(ClientDisconnect):
        await read([])


async def test_other_media_types_are_refused() -> None:
    with pytest.raises(UnsupportedMedia):
        await read([b"a: b"], b"application/yaml")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"user_id":"\\ud800"}',
        b'{"context":{"a":NaN}}',
        b"[" * 1999,
        b'{"user_id":3,',
    ],
)
async def test_what_is_not_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        await read([body])


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ({"item_ids": ["a"]}, "user_id", None),
        ({"user_id": 3}, "user_id", 3),
        ({"user_id": ""}, "user_id", ""),
        ({"user_id": "u" * 129}, "user_id", "u" * 129),
        ({"user_id": "u", "item_ids": []}, "item_ids", []),
        ({"user_id": "u", "item_ids": ["a", 5]}, "item_ids[1]", 5),
        ({"user_id": "u", "candidates": [{"item_id": "a", "bid": -1}]}, "candidates[0].bid", -1),
        ({"user_id": "u", "top_k": 0}, "top_k", 0),
        ({"user_id": "u", "diversity": 1.5}, "diversity", 1.5),
        ({"user_id": "u", "deadline_ms": 0}, "deadline_ms", 0),
        ({"user_id": "u", "deadlne_ms": 5}, "deadlne_ms", 5),
        ({"user_id": "u", "context": {"a": []}}, "context[...]", None),
    ],
)
async def test_broken_rule_names_field_and_value(body: Any, field: str, value: object) -> None:
    for content_type, encode in ((JSON, msgspec.json.encode), (PACKED, msgspec.msgpack.encode)):
        with pytest.raises(InvalidRequest) as refused:
            await read([encode(body)], content_type)
        assert (refused.value.field, refused.value.value) == (field, value)


BOTH = ((JSON, msgspec.json.encode), (PACKED, msgspec.msgpack.encode))
NO_TEXT: Any = st.integers(-99, 99) | st.booleans() | st.binary(max_size=4) | st.tuples(st.text())
NO_ID = st.just("") | st.text("ab", min_size=129, max_size=140)


@given(st.data(), st.lists(st.text("xyz", min_size=1, max_size=3), unique=True, max_size=3))
async def test_broken_rule_of_a_key_names_the_map_and_the_key(
    data: st.DataObject, good: list[str]
) -> None:
    field = data.draw(st.sampled_from(["pinned", "context", "candidates[1].features"]))
    key = data.draw(NO_ID if field == "pinned" else NO_TEXT)
    keys = data.draw(st.permutations([*good, key]))
    broken = dict.fromkeys(keys, 1)
    body: dict[str, Any] = {"user_id": "u", field: broken}
    if field.startswith("candidates"):
        body = {"user_id": "u", "candidates": [{"item_id": "a"}, {"item_id": "b"}]}
        body["candidates"][1]["features"] = broken
    for content_type, encode in BOTH if field == "pinned" else BOTH[1:]:
        with pytest.raises(InvalidRequest, match="key") as refused:
            await read([encode(body)], content_type)
        assert (refused.value.field, refused.value.value) == (field, key)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user_id": "u", 1: 2}, None),
        ({"user_id": "u", "diversity": {"strength": 0, 1: 2}}, "diversity"),
        ({"user_id": "u", "candidates": [{"item_id": "a"}, {1: 2}]}, "candidates[1]"),
    ],
)
async def test_key_that_is_no_field_is_told_with_its_place(body: Any, field: str | None) -> None:
    with pytest.raises(InvalidRequest, match="key") as refused:
        await read([msgspec.msgpack.encode(body)], PACKED)
    assert (refused.value.field, refused.value.value) == (field, 1)


Key = Annotated[str, Meta(min_length=1, max_length=3)]


class Nested(Struct, forbid_unknown_fields=True):
    maps: list[dict[Key, int]] = []
    deep: dict[Key, dict[Key, list[dict[Key, int]]]] = {}
    by_pair: dict[tuple[int, int], int] = {}


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ([{"maps": [{}, {"a": 1, "": 2, "b": 3}]}], "[0].maps[1]", ""),
        ([{}, {"maps": [{"a": 1, "long": 2}]}], "[1].maps[0]", "long"),
        ([{"maps": [{"a": "x"}]}], "[0].maps[0][...]", None),
        ([{"deep": {"": {}}}], "[0].deep", ""),
        ([{"deep": {"a": {"": []}}}], "[0].deep[...]", None),
        ([{"deep": {"a": {"b": [{}, {"long": 1}]}}}], "[0].deep[...][...][1]", None),
        ([{"deep": {"a": {"b": [{"c": "x"}]}}}], "[0].deep[...][...][0][...]", None),
        ([{"deep": {"a": {"b": "x"}}}], "[0].deep[...][...]", None),
        ([5], "[0]", 5),
        ([{}, {"maps": [5]}], "[1].maps[0]", 5),
    ],
)
def test_every_path_is_read(body: Any, field: str, value: object) -> None:
    for decoder, encode in (
        (msgspec.json.Decoder(list[Nested]), msgspec.json.encode),
        (msgspec.msgpack.Decoder(list[Nested]), msgspec.msgpack.encode),
    ):
        with pytest.raises(msgspec.ValidationError) as broken:
            decoder.decode(encode(body))
        refused = invalid(str(broken.value), body)
        assert (refused.field, refused.value) == (field, value)


@pytest.mark.parametrize("key", [(1, "a"), (1, 2, 3), 5])
def test_part_of_a_key_is_told_as_a_key(key: Any) -> None:
    body = [{"by_pair": {(1, 2): 0, key: 1}}]
    with pytest.raises(msgspec.ValidationError) as broken:
        msgspec.msgpack.decode(msgspec.msgpack.encode(body), type=list[Nested])
    refused = invalid(str(broken.value), body)
    assert (refused.field, refused.value) == ("[0].by_pair", None)
    assert "key" in refused.detail


@pytest.mark.parametrize(
    "name", ["a.b", "a`b", "a[0]", "x - at `y", "x` - at `key` in `z", "`", ""]
)
async def test_unknown_field_is_told_whatever_its_name(name: str) -> None:
    for content_type, encode in BOTH:
        with pytest.raises(InvalidRequest) as refused:
            await read([encode({"user_id": "u", name: 5})], content_type)
        assert (refused.value.field, refused.value.value) == (name or None, 5)


@pytest.mark.parametrize("field", ["bid", "diversity", "deadline_ms"])
async def test_message_pack_numbers_that_are_not_finite_are_refused(field: str) -> None:
    body: dict[str, Any] = {"user_id": "u", "candidates": [{"item_id": "a"}]}
    (body["candidates"][0] if field == "bid" else body)[field] = float("nan")
    with pytest.raises(InvalidRequest):
        await read([msgspec.msgpack.encode(body)], PACKED)


@given(st.binary(max_size=300), st.sampled_from([JSON, PACKED]))
async def test_any_bytes_are_read_or_refused(body: bytes, content_type: bytes) -> None:
    with suppress(Unreadable, InvalidRequest):
        assert (await read([body], content_type)).user_id


def test_long_values_are_shown_short() -> None:
    assert shown(None) is None
    assert shown([1, 2]) == "[1, 2]"
    long = shown("x" * 500)
    assert long is not None
    assert len(long) == 80
