from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from cache.bench.alternatives import Layout, layouts
from cache.bench.sample import CANDIDATES, DIM, make_sample
from cache.bench.sizes import sizes, written
from cache.quantise import Precision

pytestmark = pytest.mark.redis
PRECISIONS = pytest.mark.parametrize("precision", list(Precision))


async def asked(client: Redis, layout: Layout) -> Any:
    untyped: Any = client
    return await untyped.execute_command(*layout.question())


@PRECISIONS
async def test_every_layout_tells_the_same_of_every_candidate(
    client: Redis, precision: Precision
) -> None:
    page, *others = layouts(make_sample(precision), "user-1")
    await written(client, page)
    told = page.hints(await asked(client, page))
    assert told.z.shape == (CANDIDATES, DIM)
    assert told.is_held.sum() == CANDIDATES // 2
    assert len(others) == 3
    for other in others:
        await written(client, other)
        columns: Any = zip(other.hints(await asked(client, other)), told, strict=True)
        for column, of_page in columns:
            np.testing.assert_allclose(column, of_page, rtol=1e-6)


async def test_small_hash_is_a_listpack_and_the_other_a_table(client: Redis) -> None:
    _, listpack, table, _ = layouts(make_sample(Precision.FP16), "user-1")
    for layout, encoding in ((listpack, b"listpack"), (table, b"hashtable")):
        await written(client, layout)
        assert await client.object("ENCODING", layout.keys[0]) == encoding


@PRECISIONS
async def test_page_takes_fewest_bytes_of_all_layouts(client: Redis, precision: Precision) -> None:
    sample = make_sample(precision)
    taken = await sizes(client, sample)
    page = taken.pop("page")
    # The server rounds a value of this size up by at most a fifth.
    assert len(sample.bare_page) < page < 1.2 * len(sample.bare_page)
    assert page < min(taken.values())
