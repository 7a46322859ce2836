"""Whether this machine can run a provider at all."""

from pathlib import Path

import pytest

from models.providers.errors import ProviderUnavailable
from models.providers.execution import Execution, Provider
from models.runtime import load

DRIVER = Path("/dev/nvidiactl")


def require(provider: Provider, bundle: Path) -> None:
    """Skips with the reason. With a driver there is no reason that CUDA may lack."""
    try:
        load(bundle, execution=Execution(provider, max_candidates=1))
    except ProviderUnavailable as error:
        if provider == "cuda" and DRIVER.exists() and "is built with" not in str(error):
            raise
        pytest.skip(str(error))
