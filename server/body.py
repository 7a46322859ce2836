"""A request's body: its size bounded before it is held, its type known before it is parsed."""

import operator
import re
from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from server.errors import BodyTooLarge, InvalidRequest, Unreadable, UnsupportedMedia

JSON: Final = "application/json"
MESSAGE_PACK: Final = ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")
MAX_SHOWN: Final = 80
_PLACE: Final = re.compile(r"(?P<key>`key[^`]*` in )?`\$\.?(?P<path>[^`]*)`")
_STEP: Final = re.compile(r"\[[^\]]*\]|[^.\[]+")
_LENGTH: Final = re.compile(r"Expected `str` of length (?P<way>[<>]=) (?P<length>\d+)")

T = TypeVar("T")


class Codec(NamedTuple, Generic[T]):
    """One media type: how its requests are read and its answers written."""

    media_type: bytes
    decode: Callable[[bytes], T]
    decode_untyped: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]


def json_codec(kind: type[T]) -> Codec[T]:
    decode = msgspec.json.Decoder(kind).decode
    return Codec(JSON.encode(), decode, msgspec.json.decode, msgspec.json.Encoder().encode)


class BodyReader(Generic[T]):
    """Reads one type of request in JSON or MessagePack, by Content-Type."""

    def __init__(self, kind: type[T], max_bytes: int) -> None:
        self._max_bytes = max_bytes
        json = json_codec(kind)
        self._codecs: dict[bytes, Codec[T]] = {b"": json, JSON.encode(): json}
        packed = msgspec.msgpack.Decoder(kind).decode
        for name in MESSAGE_PACK:
            self._codecs[name.encode()] = Codec(
                name.encode(), packed, msgspec.msgpack.decode, msgspec.msgpack.Encoder().encode
            )

    async def read(self, scope: Scope, receive: Receive) -> tuple[T, Codec[T]]:
        """Raises UnsupportedMedia, BodyTooLarge, Unreadable, InvalidRequest."""
        content_type, length = _headers(scope)
        codec = self._codec(content_type)
        self._check_size(length)
        return parse(codec, await self._receive(receive)), codec

    async def raw(self, scope: Scope, receive: Receive) -> bytes:
        """Whatever its type is. Raises BodyTooLarge."""
        self._check_size(_headers(scope)[1])
        return await self._receive(receive)

    def _codec(self, content_type: bytes) -> Codec[T]:
        codec = self._codecs.get(content_type)
        if codec is None:
            bare = content_type.partition(b";")[0].strip().lower()
            codec = self._codecs.get(bare)
        if codec is None:
            raise UnsupportedMedia(
                "the body's media type is not read here",
                field="Content-Type",
                value=content_type.decode("latin-1"),
                remedy=f"send {JSON} or {MESSAGE_PACK[0]}",
            )
        return codec

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._max_bytes:
            raise BodyTooLarge(
                f"the body has more than {self._max_bytes} bytes",
                field="Content-Length",
                value=size_bytes,
                remedy="send fewer candidates or events, or raise UNDERSTUDY_MAX_BODY_BYTES",
            )

    async def _receive(self, receive: Receive) -> bytes:
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes = message.get("body", b"")
            self._check_size(len(body))
            return body
        return await self._receive_parts(message, receive)

    async def _receive_parts(self, message: Any, receive: Receive) -> bytes:
        parts, size_bytes = [], 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size_bytes += len(parts[-1])
            self._check_size(size_bytes)
            if not message.get("more_body", False):
                return b"".join(parts)
            message = await receive()


def _headers(scope: Scope) -> tuple[bytes, int]:
    content_type, length = b"", 0
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length" and value.isdigit():
            length = int(value)
    return content_type, length


def parse(codec: Codec[T], body: bytes) -> T:
    try:
        return codec.decode(body)
    except msgspec.ValidationError as error:
        message = str(error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(codec, error) from None
    raise invalid(message, _untyped(codec, body))


def _untyped(codec: Codec[T], body: bytes) -> Any:
    """A body may break a rule before the place where it stops being JSON at all."""
    try:
        return codec.decode_untyped(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(codec, error) from None


def _unreadable(codec: Codec[T], error: Exception) -> Unreadable:
    return Unreadable(
        f"the body is not {codec.media_type.decode()}: {error}",
        remedy="check the encoding, or the Content-Type header",
    )


def invalid(message: str, body: Any) -> InvalidRequest:
    """msgspec says ``Expected `int` >= 1 - at `$.top_k` ``, and of a map's key
    ``at `key` in `$.pinned` ``; the caller wants the parts."""
    rule, field, is_key = _parts(message)
    value = _walk(body, field)
    if is_key:
        value = _broken_key(value, rule)
        rule = f"a key breaks its rule: {rule}"
    elif not field:
        field = rule.partition("field `")[2].removesuffix("`")
        value = body.get(field) if isinstance(body, dict) else None
    return InvalidRequest(rule, field=field or None, value=value, remedy="see this field in /docs")


def _parts(message: str) -> tuple[str, str, bool]:
    """The rule, the path below the body, and whether a key of what stands there broke the rule.
    Names that the caller sent may be in the rule, never in the path."""
    rule, _, place = message.rpartition(" - at ")
    found = _PLACE.fullmatch(place)
    if found is None:
        return message, "", False
    return rule, found["path"], found["key"] is not None


def _walk(value: Any, path: str) -> Any:
    """None where it does not lead: msgspec says `[...]` for whichever key of a map."""
    for step in _STEP.findall(path):
        try:
            value = value[int(step[1:-1])] if step.startswith("[") else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value


def _broken_key(keys: Any, rule: str) -> Any:
    """The first that breaks it, as msgspec does not say which; None where it cannot be told."""
    if not isinstance(keys, dict):
        return None
    if bound := _LENGTH.fullmatch(rule):
        holds = operator.ge if bound["way"] == ">=" else operator.le
        texts = (key for key in keys if isinstance(key, str))
        return next((text for text in texts if not holds(len(text), int(bound["length"]))), None)
    is_type = rule.startswith("Expected `str`")
    return next((key for key in keys if is_type and not isinstance(key, str)), None)


def shown(value: object) -> str | None:
    """A value as an error shows it: never longer than a line."""
    if value is None:
        return None
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
