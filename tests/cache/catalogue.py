"""Rows of a catalogue of two categorical columns and a number."""

from struct import pack

import numpy as np

from cache.catalogue_rows import CatalogueRows, Layout

LAYOUT = Layout(fingerprint=(1 << 64) - 77, columns=2, numbers=1)


def make_rows(
    *keys: int, at: int = 10, status: int = 0, number: float | None = 1.5, seed: int = 0
) -> CatalogueRows:
    """`number` None tells nothing of the columns."""
    count, is_told = len(keys), number is not None
    columns = np.random.default_rng(seed).integers(1, 1 << 63, (count, 2)).astype(np.uint64)
    return CatalogueRows(
        np.array(keys, np.uint64),
        np.full(count, status, np.uint8),
        np.full(count, at, np.int64),
        np.full(count, at * is_told, np.int64),
        columns * np.uint64(is_told),
        np.full((count, 1), np.nan if number is None else number, np.float32),
    )


def message(fields: list[tuple[bytes, bytes]], after: tuple[int, int] = (5, 7)) -> bytes:
    """As the script that writes rows tells them on."""
    header = b"UM" + pack("<BxIQQ", 1, len(fields), *after)
    return header + b"".join(field + value for field, value in fields)
