"""Content-Encoding of a request's body: gzip and deflate, as tritonclient offers them."""

import zlib
from typing import Final

from server.errors import BodyTooLarge, Unreadable, UnsupportedMedia

CODINGS: Final = (b"gzip", b"deflate")
EITHER: Final = zlib.MAX_WBITS | 32
"""zlib finds out by the first bytes which of the two it is."""


def decoded(body: bytes, coding: bytes, max_bytes: int) -> bytes:
    """Never holds more than `max_bytes`. Raises UnsupportedMedia, BodyTooLarge, Unreadable."""
    if coding in (b"", b"identity"):
        return body
    if coding not in CODINGS:
        raise UnsupportedMedia(
            "the body's coding is not read here",
            field="Content-Encoding",
            value=coding.decode("latin-1"),
            remedy="send gzip, deflate or no coding",
        )
    stream = zlib.decompressobj(EITHER)
    try:
        plain = stream.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise _broken(coding, str(error)) from None
    if len(plain) > max_bytes:
        raise BodyTooLarge(
            f"the body has more than {max_bytes} bytes",
            field="Content-Encoding",
            value=coding.decode(),
            remedy="send fewer candidates, or raise UNDERSTUDY_MAX_BODY_BYTES",
        )
    if not stream.eof:
        raise _broken(coding, "it ends too early")
    return plain


def _broken(coding: bytes, why: str) -> Unreadable:
    return Unreadable(
        f"the body is not {coding.decode()}: {why}",
        field="Content-Encoding",
        remedy="send it whole, or without a coding",
    )
