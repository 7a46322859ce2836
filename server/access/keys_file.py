"""Who may rank, and how much: a TOML file of keys.

[[key]]
name = "feed"
sha256 = "…"                  # of the secret, which is nowhere in the file
candidates_per_s = 50_000     # no limit when absent
burst_candidates = 100_000    # what may come at once; a second's worth when absent
priority = "low"              # "normal" when absent
dry_run = true                # what exceeds the quota is counted, and answered
"""

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from server.access.errors import KeysInvalid
from server.wire import Priority

MAX_FILE_BYTES: Final = 1 << 20

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Key(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,64}$")]
    sha256: Digest
    candidates_per_s: Annotated[float, Meta(gt=0)] | None = None
    burst_candidates: Annotated[float, Meta(gt=0)] | None = None
    priority: Priority = "normal"
    dry_run: bool = False


class _Keys(Struct, forbid_unknown_fields=True):
    key: Annotated[list[Key], Meta(min_length=1)]


def read_keys(path: Path) -> list[Key]:
    """Raises KeysInvalid."""
    try:
        keys = msgspec.toml.decode(_bytes(path), type=_Keys).key
    except OSError as error:
        raise KeysInvalid(f"{path} cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        # Also text that is no UTF-8, or a number or a nesting that no parser follows.
        raise KeysInvalid(f"{path}: {error}; docs/security.md has the format") from error
    for field in ("name", "sha256"):
        _check_distinct(path, field, [getattr(key, field) for key in keys])
    return keys


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        held = file.read(MAX_FILE_BYTES + 1)
    if len(held) > MAX_FILE_BYTES:
        raise KeysInvalid(f"{path} has more than {MAX_FILE_BYTES} bytes: is it a file of keys?")
    return held


def _check_distinct(path: Path, field: str, values: list[str]) -> None:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise KeysInvalid(f"{path}: {field} {twice[0]} stands twice: each key has its own")
