"""uvloop where it is installed: half the generator's time a request."""

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(wanted: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=_factory()) as runner:
        return runner.run(wanted)


def _factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
            "uvloop"
        ).new_event_loop
    except ModuleNotFoundError:
        return None
    return factory
