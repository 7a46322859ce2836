"""A run of the model that does not come back: nobody is left waiting for it."""

import asyncio
import logging
from typing import Final

from server.batch import Batcher

LOOK_S: Final = 0.5
LONG_S: Final = 1.0
"""Several times what the largest batch takes; what takes longer may never end."""
log = logging.getLogger(__name__)


async def watch(batcher: Batcher, name: str) -> None:
    """Looks from time to time: a timer for each request would cost every one of them."""
    is_told = False
    while True:
        await asyncio.sleep(LOOK_S)
        is_long = batcher.run_s >= LONG_S
        if is_long and not is_told:
            log.error("%s has not come back for %.1f s; who waits is refused", name, batcher.run_s)
        if is_long:
            batcher.refuse_late()
        is_told = is_long
