"""TLS by a URL's options. The server at hand speaks none, so something in front of it does."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from cache.embedded import EmbeddedValkey
from cache.errors import StoreUnavailable
from cache.redis_store import RedisStore

pytestmark = [
    pytest.mark.redis,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl makes certificates"),
]


class Certificate(NamedTuple):
    certificate: Path
    key: Path

    @classmethod
    def made(cls, folder: Path, name: str) -> "Certificate":
        """Its own authority."""
        made = cls(folder / f"{name}.pem", folder / f"{name}.key")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", f"/CN={name}",
             "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", made.key, "-out", made.certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.made(tmp_path_factory.mktemp("tls"), "server")


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.made(tmp_path_factory.mktemp("tls"), "caller")


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def port(
    valkey: EmbeddedValkey, server: Certificate, caller: Certificate
) -> AsyncIterator[int]:
    """Of a server that wants to know its callers."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=caller.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*server)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(valkey.socket)
        await asyncio.gather(_carry(reader, outer), _carry(inner, writer))

    front = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield front.sockets[0].getsockname()[1]
    front.close()
    await asyncio.sleep(0.05)


def url_of(port: int, authority: Certificate, caller: Certificate) -> str:
    return (
        f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority.certificate}"
        f"&ssl_certfile={caller.certificate}&ssl_keyfile={caller.key}"
    )


async def test_reads_and_writes_go_over_tls_with_certificates_on_both_sides(
    port: int, server: Certificate, caller: Certificate
) -> None:
    store = RedisStore.open(url_of(port, server, caller))
    await store.put_many({b"k": b"v" * 100_000}, 60.0)
    assert await asyncio.gather(*(store.get_many([b"k"]) for _ in range(20))) == [
        [b"v" * 100_000]
    ] * 20  # fmt: skip
    await store.close()


async def test_server_of_another_authority_is_not_trusted(port: int, caller: Certificate) -> None:
    store = RedisStore.open(url_of(port, caller, caller))
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        await store.get_many([b"k"])
    await store.close()
