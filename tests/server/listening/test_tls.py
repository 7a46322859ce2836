import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from server.listening.server import GatewayServer
from server.listening.tls import TlsInvalid, tls_context
from server.settings import Settings
from tests.server.conftest import Served
from tests.server.listening.certificates import Certificate, made
from tests.server.listening.raw import BODY
from tests.server.live import WAIT_S, live_server, settings_for, url_of, wait_until
from tests.server.test_serve_command import command

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl makes certificates"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def own(folder: Path) -> Certificate:
    return made(folder, "gateway")


@pytest.fixture(scope="module")
def caller(folder: Path) -> Certificate:
    return made(folder, "caller")


def speaking(own: Certificate, **more: Any) -> dict[str, Any]:
    return {"tls_certificate": own.certificate, "tls_key": own.key} | more


def client_of(
    server: GatewayServer, own: Certificate, caller: Certificate | None = None
) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(own.certificate))
    if caller is not None:
        context.load_cert_chain(caller.certificate, caller.key)
    url = url_of(server).replace("http:", "https:")
    return httpx.Client(base_url=url, verify=context, timeout=WAIT_S)


def ranks(client: httpx.Client) -> bool:
    wait_until(lambda: client.get("/readyz").status_code == 200, "/readyz")
    answer = client.post("/v1/rank", content=BODY, headers={"content-type": "application/json"})
    return answer.status_code == 200


def test_gateway_with_a_certificate_speaks_tls_alone(served: Served, own: Certificate) -> None:
    settings = settings_for(served.student, **speaking(own))
    with live_server(settings) as server, client_of(server, own) as client:
        assert ranks(client)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{url_of(server)}/healthz", timeout=WAIT_S)


def test_caller_must_show_a_certificate_of_the_given_authority(
    served: Served, own: Certificate, caller: Certificate
) -> None:
    settings = settings_for(served.student, **speaking(own, tls_client_ca=caller.certificate))
    with live_server(settings) as server:
        with client_of(server, own, caller) as known:
            assert ranks(known)
        for stranger in (None, own):
            with (
                client_of(server, own, stranger) as client,
                pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)),
            ):
                client.get("/healthz")


def test_refusal_comes_over_tls_too(served: Served, own: Certificate) -> None:
    settings = settings_for(served.student, **speaking(own))
    with live_server(settings) as server, client_of(server, own) as client:
        answer = client.get("/healthz", headers={"x-long": "a" * 60_000})
        assert answer.status_code == 431
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (("tls_certificate",), "UNDERSTUDY_TLS_KEY missing beside UNDERSTUDY_TLS_CERTIFICATE=a"),
        (("tls_key",), "UNDERSTUDY_TLS_CERTIFICATE missing beside UNDERSTUDY_TLS_KEY=a"),
        (("tls_client_ca",), "UNDERSTUDY_TLS_CERTIFICATE and UNDERSTUDY_TLS_KEY missing"),
    ],
)
def test_half_a_pair_is_no_setting(given: tuple[str, ...], missing: str) -> None:
    paths: dict[str, Any] = dict.fromkeys(given, Path("a"))
    with pytest.raises(ValidationError, match=missing):
        Settings(**paths)


def nothing(folder: Path) -> Path:
    return folder / "nowhere.pem"


def empty(folder: Path) -> Path:
    (folder / "empty.pem").touch()
    return folder / "empty.pem"


@pytest.mark.parametrize("name", ["tls_certificate", "tls_key", "tls_client_ca"])
@pytest.mark.parametrize(
    ("file", "said"), [(nothing, "cannot be read .No such file"), (empty, "give ")]
)
def test_file_that_cannot_be_used_is_named(
    own: Certificate, tmp_path: Path, name: str, file: Callable[[Path], Path], said: str
) -> None:
    settings = Settings(**speaking(own, **{name: file(tmp_path)}))
    with pytest.raises(TlsInvalid, match=f"UNDERSTUDY_{name.upper()}.*{said}"):
        tls_context(settings)


def test_key_of_another_certificate_is_refused(own: Certificate, caller: Certificate) -> None:
    with pytest.raises(TlsInvalid, match="are not a pair"):
        tls_context(Settings(tls_certificate=own.certificate, tls_key=caller.key))


def test_locked_key_is_refused_and_nobody_asked(tmp_path: Path) -> None:
    locked = made(tmp_path, "locked", "-passout", "pass:secret")
    with pytest.raises(TlsInvalid, match="locked by a password"):
        tls_context(Settings(**speaking(locked)))


def test_serve_ends_at_start_with_the_reason(own: Certificate, folder: Path) -> None:
    environment = {
        "UNDERSTUDY_TLS_CERTIFICATE": str(own.certificate),
        "UNDERSTUDY_TLS_KEY": str(folder / "nowhere.key"),
    }
    refused = subprocess.run(
        command(), env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "UNDERSTUDY_TLS_KEY" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_handshake_that_does_not_come_keeps_nobody_else(served: Served, own: Certificate) -> None:
    settings = settings_for(served.student, **speaking(own))
    with live_server(settings) as server, client_of(server, own) as client:
        url = httpx.URL(url_of(server))
        with socket.create_connection((url.host, url.port or 0)) as silent:
            silent.sendall(b"\x16\x03\x01")
            assert ranks(client)
