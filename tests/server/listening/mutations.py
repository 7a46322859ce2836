"""Requests gone wrong: a corpus of the ways that are known, and random ones."""

import random
from typing import Final

from tests.server.listening.raw import BODY, GOOD, HEAD

GET: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST: Final = b"POST /v1/rank HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SMUGGLED: Final = b"GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

AMBIGUOUS: Final = {
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 43\r\n\r\n",
    "list of lengths": b"Content-Length: 0, 43\r\n\r\n",
    "signed length": b"Content-Length: +0\r\n\r\n",
    "negative length": b"Content-Length: -1\r\n\r\n",
    "hexadecimal length": b"Content-Length: 0x0\r\n\r\n",
    "overflowing length": b"Content-Length: 99999999999999999999999\r\n\r\n",
    "empty length": b"Content-Length: \r\n\r\n",
    "unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding after chunks": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "space before colon": b"Content-Length : 0\r\n\r\n",
    "chunks after a space": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "bare line feed": b"Transfer-Encoding: chunked\n\r\n0\r\n\r\n",
    "zero in a header": b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "return in a header": b"X: a\rContent-Length: 43\r\n\r\n",
    "no colon": b"Content-Length\r\n\r\n",
    "chunk size of nothing": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "chunk size overflows": b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n",
    "chunk longer than said": b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "chunk size signed": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "chunk ended by line feed": b"Transfer-Encoding: chunked\r\n\r\n0\n\n",
}
"""Heads after which readers have disagreed where the request ends."""

CORPUS: Final = (
    b"",
    b"\r\n\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),  # a TLS hello
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    b"GET /healthz\r\n\r\n",
    b"GET /healthz HTTP/9.9\r\n\r\n",
    b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //: HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%ff%00%zz?\xff=\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT /v1/rank HTTP/1.1\r\nHost: x\r\n\r\n",
    b"TRACE /v1/rank HTTP/1.1\r\nHost: x\r\n\r\n",
    b"HEAD /v1/rank HTTP/1.1\r\nHost: x\r\n\r\n",
    b"DELETE /v1/items HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    GET + b"Connection: close\r\n\r\n" + GET + b"\r\n",
    GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n\x81\x00",
    GET + b"Cookie: " + b"a" * 60_000 + b"\r\n\r\n",
    GET + b"X: y\r\n" * 20_000 + b"\r\n",
    b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"A" * 60_000,
    POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    POST + b"Content-Length: 1000000000\r\n\r\n" + b"a" * 100_000,
    POST + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
    POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 20_000,
    POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 100_000,
    b"POST /v1/rank HTTP/1.1\r\nContent-Type: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[",
    POST + b"Content-Length: 100\r\n\r\n" + b"[" * 100,
    HEAD + b"\xff" * len(BODY),
    GOOD * 30,
    *(POST + text + SMUGGLED for text in AMBIGUOUS.values()),
)


def mutated(rng: random.Random) -> bytes:
    """One of the corpus, or a good request, with some bytes changed, cut, doubled or spliced."""
    data = bytearray(rng.choice((GOOD, GOOD + GOOD, *CORPUS))[:4000])
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(data) + 1), rng.randint(0, 30)
        match rng.randrange(4):
            case 0:
                data[at : at + length] = rng.randbytes(length)
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length]
            case _:
                other = rng.choice(CORPUS)[:2000]
                data[at:] = other[rng.randrange(len(other) + 1) :]
    return bytes(data)


def torn(data: bytes, rng: random.Random) -> list[bytes]:
    """Up to four pieces."""
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randint(0, 3)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
