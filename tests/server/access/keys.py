"""Files of keys, and what shows them."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from server.access.keys_file import Key


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def key(secret: str, **fields: Any) -> Key:
    return Key(**{"name": secret, "sha256": digest(secret)} | fields)


def write_keys(path: Path, *lines: str) -> Path:
    """Each of `lines` what stands in one [[key]]."""
    path.write_text("".join(f"[[key]]\n{each}\n" for each in lines))
    return path


def entry(secret: str, *fields: str) -> str:
    return "\n".join([f'name = "{secret}"', f'sha256 = "{digest(secret)}"', *fields])


def shown(secret: str | None) -> dict[str, Any]:
    """A scope with the secret as its bearer token."""
    headers = [] if secret is None else [(b"authorization", f"Bearer {secret}".encode())]
    return {"type": "http", "headers": headers}
