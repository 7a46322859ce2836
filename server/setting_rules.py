"""Rules of settings that are more than a bound of one value."""

from collections.abc import Mapping
from pathlib import Path


def folders(given: object) -> object:
    """Of a path, a comma list of paths, or a sequence of them."""
    if given is None:
        return ()
    if isinstance(given, str):
        return tuple(part.strip() for part in given.split(",") if part.strip())
    return (given,) if isinstance(given, Path) else given


def check_tls(given: Mapping[str, Path | None]) -> None:
    """Two that only make sense together, and a third that needs both. Raises ValueError."""
    missing = [name for name in list(given)[:2] if given[name] is None]
    if missing and any(given.values()):
        has = next(f"{name}={path}" for name, path in given.items() if path is not None)
        raise ValueError(
            f"{' and '.join(missing)} missing beside {has}: give certificate and key together, "
            "or none of the three"
        )
