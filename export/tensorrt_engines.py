"""TensorRT's engines of a bundle, built where there is time for it: not as a gateway starts."""

from pathlib import Path

from models.providers.execution import Execution
from models.runtime import load


def build_engines(bundle: Path, engines: Path, max_candidates: int) -> None:
    """What is there for the same graph, GPU and TensorRT is kept. Raises ProviderUnavailable."""
    load(bundle, execution=Execution("tensorrt", max_candidates=max_candidates, engines=engines))
