"""Whose numbers was an answer made from? Its kept inputs, held against the pages of both spaces."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cache import page
from cache.arrays import Mask
from cache.keys import SERVED_STREAM, page_key, pair_keys
from cache.page import Page
from cache.served import Served, decode
from models.features.hashing import key64, keys64
from models.schema import TIERS

PAIR = TIERS.index("pair")


class Held(NamedTuple):
    hints: int  # compared
    foreign: int  # that are another space's, or nobody's


async def compared(client: Any, spaces: Mapping[str, str]) -> Held:
    """All kept answers; `spaces` by version of the student. Each pair was judged once a space."""
    pages: dict[tuple[str, str], Page | None] = {}
    hints = foreign = 0
    for _, fields in await client.xrange(SERVED_STREAM):
        served = decode(next(iter(fields.values())))
        name = served.user_id, spaces[served.version]
        if name not in pages:
            value = await client.get(page_key(*name))
            pages[name] = None if value is None else page.decode(value)
        alike = _alike(served, pages[name])
        hints, foreign = hints + len(alike), foreign + int((~alike).sum())
    return Held(hints, foreign)


def _alike(served: Served, held: Page | None) -> Mask:
    """For each hint of a pair, whether it is the page's to the last bit."""
    hinted = np.flatnonzero(served.tier == PAIR)
    if held is None:
        return np.zeros(len(hinted), np.bool_)
    keys = keys64([served.item_ids[row] for row in hinted])
    pairs = pair_keys(keys, [key64(served.context["placement"])])
    rows = np.minimum(held.pair_keys.searchsorted(pairs), len(held.pair_keys) - 1)
    z = held.codes[rows].astype(np.float32) * held.scale[rows][:, None]
    given = served.candidate_side["teacher_z"][hinted]
    is_same: Mask = (held.pair_keys[rows] == pairs) & (z == given).all(axis=1)
    return is_same
