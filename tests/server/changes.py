"""What callers tell of items, for catalogues of tests.bundles.log_schema."""

from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np

from cache.catalogue_rows import CatalogueRows
from models.features.hashing import keys64
from models.features.item_status import STATUSES, Status

TOKEN = "correct horse battery staple"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def changes_of(statuses: Mapping[str, Status], at_ms: int = 10) -> CatalogueRows:
    """Nothing of the columns."""
    count = len(statuses)
    return CatalogueRows(
        keys64(list(statuses)),
        np.array([STATUSES.index(status) for status in statuses.values()], np.uint8),
        np.full(count, at_ms, np.int64),
        np.zeros(count, np.int64),
        np.zeros((count, 2), np.uint64),
        np.full((count, 1), np.nan, np.float32),
    ).last_of_each()


def tell(client: httpx.Client, *items: dict[str, Any]) -> dict[str, Any]:
    answered = client.post("/v1/items", json={"items": list(items)}, headers=BEARER)
    assert answered.status_code == 202, answered.text
    return dict(answered.json())
