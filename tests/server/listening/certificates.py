"""Certificates for an hour, made by openssl."""

import subprocess
from pathlib import Path
from typing import Final, NamedTuple

CURVE: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


class Certificate(NamedTuple):
    certificate: Path
    key: Path


def made(folder: Path, name: str, *options: str) -> Certificate:
    """Its own authority, unless `options` name another; for 127.0.0.1."""
    files = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    locked = () if "-passout" in options else ("-nodes",)
    subprocess.run(
        ["openssl", "req", "-x509", *CURVE, *locked, "-days", "1", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=IP:127.0.0.1", *options,
         "-keyout", files.key, "-out", files.certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return files
