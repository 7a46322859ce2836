"""Whether this machine can run a provider at all."""

from pathlib import Path

import pytest

from models.providers.errors import ProviderUnavailable
from models.providers.execution import Execution, Provider
from models.runtime import load

DRIVER = Path("/dev/nvidiactl")


EXCUSES = ("is built with", "graph capture")


def require(provider: Provider, bundle: Path, *, has_graphs: bool) -> None:
    """Skips with the reason. Where there is a driver, CUDA lacks nothing but a build that has it,
    or a graph that it runs from end to end."""
    try:
        load(bundle, execution=Execution(provider, max_candidates=1, has_graphs=has_graphs))
    except ProviderUnavailable as error:
        is_excused = any(excuse in str(error) for excuse in EXCUSES)
        if provider == "cuda" and DRIVER.exists() and not is_excused:
            raise
        pytest.skip(str(error))
