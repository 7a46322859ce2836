"""What a command trusts, and what a server's certificate says of its time."""

import socket
import ssl
from pathlib import Path
from typing import Any, Final, NamedTuple

EXPIRED: Final = 10
"""X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL."""


class Shown(NamedTuple):
    """The certificate that a server shows, whoever signed it."""

    ends_s: float | None  # Unix time; None where it is over already
    why_not_trusted: str | None


def trusting(ca: Path | None, client: Path | None = None) -> ssl.SSLContext:
    """The authorities of this machine, or those of a file instead. `client` is a PEM file of a
    certificate and its key, for servers that want one."""
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    if client is not None:
        context.load_cert_chain(client)
    return context


def unchecked(client: Path | None = None) -> ssl.SSLContext:
    """Whoever answers: for what holds no secret."""
    context = trusting(None, client)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def shown_by(
    host: str, port: int, trusted: ssl.SSLContext, client: Path | None, timeout_s: float
) -> Shown:
    """Blocking. Raises OSError."""
    try:
        return Shown(_ends_s(_peer(host, port, trusted, timeout_s)), None)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == EXPIRED:
            return Shown(None, error.verify_message)
        why = error.verify_message
    pem = ssl.DER_cert_to_PEM_cert(_der(host, port, unchecked(client), timeout_s))
    try:
        return Shown(_ends_s(_peer(host, port, _itself(pem, client), timeout_s)), why)
    except ssl.SSLCertVerificationError as error:
        return Shown(None, error.verify_message)


def _itself(pem: str, client: Path | None) -> ssl.SSLContext:
    """Trusts that very certificate: only one that is trusted is read by the library."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=pem)
    if client is not None:
        context.load_cert_chain(client)
    return context


def _peer(host: str, port: int, context: ssl.SSLContext, timeout_s: float) -> dict[str, Any]:
    with (
        socket.create_connection((host, port), timeout_s) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return dict(secure.getpeercert() or {})


def _der(host: str, port: int, context: ssl.SSLContext, timeout_s: float) -> bytes:
    with (
        socket.create_connection((host, port), timeout_s) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _ends_s(told: dict[str, Any]) -> float:
    return ssl.cert_time_to_seconds(told["notAfter"])
