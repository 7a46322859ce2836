import shutil
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.certificates import shown_by, trusting, unchecked
from server.doctor.finding import Finding
from server.doctor.subject import Subject
from server.web import Web
from tests.server.conftest import Served
from tests.server.doctor.subjects import findings
from tests.server.listening.certificates import Certificate, made
from tests.server.live import live_server, settings_for, url_of

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl makes certificates"
)
DAY = timedelta(days=1)


def signed(folder: Path, name: str, ends: datetime) -> Certificate:
    """By itself, as no authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    whose = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder(whose, whose, key.public_key(), x509.random_serial_number())
        .not_valid_before(min(ends, datetime.now(UTC)) - DAY)
        .not_valid_after(ends)
        .add_extension(here, False)
        .add_extension(x509.BasicConstraints(False, None), True)
    )
    files = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    own = builder.sign(key, hashes.SHA256())
    files.certificate.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def told(served: Served, own: Certificate, **given: Any) -> dict[str, Finding]:
    settings = settings_for(served.student, tls_certificate=own.certificate, tls_key=own.key)
    with live_server(settings) as server:
        web = Web(url_of(server).replace("http:", "https:"), tls=unchecked())
        return findings(Subject(web, **given))


@pytest.mark.parametrize(("days", "verdict"), [(400, "ok"), (20, "warn"), (2, "fail")])
def test_certificate_that_ends_soon(
    served: Served, tmp_path: Path, days: int, verdict: str
) -> None:
    own = signed(tmp_path, "own", datetime.now(UTC) + days * DAY + timedelta(hours=6))
    findings = told(served, own)
    assert findings["gateway"].verdict == "ok"
    assert findings["certificate"].verdict == verdict, findings["certificate"]
    assert findings["certificate"].found == f"it ends in {days} days"


def test_certificate_that_has_ended_is_a_failure(served: Served, tmp_path: Path) -> None:
    own = signed(tmp_path, "own", datetime.now(UTC) - DAY)
    for given in ({}, {"ca": own.certificate}):
        finding = told(served, own, **given)["certificate"]
        assert finding.verdict == "fail"
        assert "expired" in finding.found


def test_whom_nobody_vouches_for_is_told(served: Served, tmp_path: Path) -> None:
    own = made(tmp_path, "own", "-days", "400")
    settings = settings_for(served.student, tls_certificate=own.certificate, tls_key=own.key)
    with live_server(settings) as server:
        port = int(url_of(server).rpartition(":")[2])
        stranger = shown_by("127.0.0.1", port, trusting(None), None, 5.0)
        known = shown_by("127.0.0.1", port, trusting(own.certificate), None, 5.0)
    assert stranger.ends_s == known.ends_s
    assert stranger.ends_s is not None
    assert stranger.ends_s > time.time() + 399 * 86_400
    assert stranger.why_not_trusted is not None
    assert known.why_not_trusted is None


def test_plain_gateway_has_none_and_no_port_is_a_failure(tmp_path: Path) -> None:
    away = findings(Subject(Web("https://127.0.0.1:1", tls=unchecked())))["certificate"]
    assert (away.verdict, away.found[:6]) == ("fail", "no TLS")
    assert findings(Subject(Web("http://127.0.0.1:1")))["certificate"].verdict == "skip"
    with pytest.raises((ssl.SSLError, OSError)):
        trusting(tmp_path / "missing")
