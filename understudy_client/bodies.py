"""Fields of a request → bytes."""

import json
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, Final, Literal, NamedTuple

import msgspec

from understudy_client.errors import InvalidRequest

Encoding = Literal["msgpack", "json"]
Fields = Mapping[str, Any]


class Codec(NamedTuple):
    media_type: str
    write: Callable[[Any], bytes]

    def encode(self, fields: Fields) -> bytes:
        """Raises InvalidRequest for what no gateway could read."""
        try:
            return self.write(fields)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidRequest(
                f"the request cannot be written as {self.media_type}: {error}",
                remedy="give text, finite numbers and None",
            ) from error


def given(fields: Fields) -> dict[str, Any]:
    """Without those that are None, and ready to be written more than once."""
    return {name: _kept(value) for name, value in fields.items() if value is not None}


def _kept(value: Any) -> Any:
    """An iterator would be empty when a call is sent again. Text stays text: as a list of its
    letters it would be ranked."""
    is_whole = isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable)
    return value if is_whole else list(value)


def _plain(value: Any) -> Any:
    """What msgspec does not know: text and mappings of other kinds, and numbers of numpy."""
    if isinstance(value, str):
        return str.__str__(value)  # the text itself, however its type shows it
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no value of a field")


def _write_json(fields: Any) -> bytes:
    """Refuses NaN and bytes, of which msgspec would make null and base64: a bid would silently be
    none, an id another one."""
    plain = msgspec.to_builtins(fields, builtin_types=(bytes,), enc_hook=_plain)
    return json.dumps(plain, allow_nan=False).encode()


CODECS: Final[dict[Encoding, Codec]] = {
    "msgpack": Codec("application/msgpack", msgspec.msgpack.Encoder(enc_hook=_plain).encode),
    "json": Codec("application/json", _write_json),
}
