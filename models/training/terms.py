"""What a result follows from, as JSON, so that none is taken for another's."""

from typing import Any

import numpy as np
import xxhash
from pydantic_core import to_jsonable_python

from models.data.causal import Replay
from models.data.encoding import keys_of

Terms = dict[str, Any]


def terms_of(**facts: object) -> Terms:
    """Configs, recipes and named tuples become what they are once read back from a file."""
    found: Terms = to_jsonable_python(facts)
    return found


def difference(there: Any, asked: Any, name: str = "") -> str | None:
    """The first field that is not the same, with both values."""
    if not isinstance(there, dict) or not isinstance(asked, dict):
        return None if there == asked else f"{name} {there!r}, not {asked!r}"
    for key in [*there, *(key for key in asked if key not in there)]:
        found = difference(there.get(key), asked.get(key), f"{name}.{key}" if name else key)
        if found:
            return found
    return None


def log_digest(replay: Replay) -> str:
    """Of all that a model is trained on, whatever folder it lies in."""
    log, catalogue = replay.log, replay.catalogue
    digest = xxhash.xxh3_128(
        (log.schema.model_dump_json() + log.periods.model_dump_json()).encode()
    )
    users = (replay.user_columns, replay.user_numbers)
    items = (catalogue.keys, catalogue.columns, catalogue.numbers)
    requests = (replay.user, replay.time_ms, replay.context, replay.context_number)
    impressions = (replay.offsets, replay.item, replay.labels, log.impressions["position"])
    lists = () if log.requests is None else (keys_of(log.requests["candidates"].explode()),)
    for column in (*users, *items, *requests, *impressions, *lists):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
