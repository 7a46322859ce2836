"""The certificates that a gateway shows, and those that it asks for."""

import ssl
from pathlib import Path
from typing import NoReturn

from server.settings import PREFIX, Settings


class TlsInvalid(Exception):
    """A file of the TLS settings cannot be used."""


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """None without a certificate. Raises TlsInvalid."""
    certificate, key, authorities = (
        settings.tls_certificate,
        settings.tls_key,
        settings.tls_client_ca,
    )
    if certificate is None or key is None:
        return None
    _check_readable("TLS_CERTIFICATE", certificate)
    _check_readable("TLS_KEY", key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_pair(context, certificate, key)
    if authorities is not None:
        _check_readable("TLS_CLIENT_CA", authorities)
        _load_authorities(context, authorities)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _check_readable(name: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise TlsInvalid(
            f"{PREFIX}{name} {path} cannot be read ({error.strerror}): give a PEM file that this "
            "user may read"
        ) from error


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        raise TlsInvalid(
            f"{PREFIX}TLS_CERTIFICATE {certificate} and {PREFIX}TLS_KEY {key} are not a pair "
            f"({error.reason or error}): give the certificate first in its PEM file, and its own "
            "key without a password"
        ) from error


def _no_password() -> NoReturn:
    """OpenSSL would ask at the terminal."""
    raise TlsInvalid(
        f"{PREFIX}TLS_KEY is locked by a password: `openssl pkey -in KEY -out OPEN` opens it"
    )


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise TlsInvalid(
            f"{PREFIX}TLS_CLIENT_CA {path} holds no certificate ({error.reason or error}): give a "
            "PEM file of authorities"
        ) from error
