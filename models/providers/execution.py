"""What is to run a bundle's graph in this process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Provider = Literal["cpu", "cuda", "tensorrt"]
ENGINES: Final = "engines"


@dataclass(frozen=True, slots=True)
class Execution:
    provider: Provider = "cpu"
    has_fallback: bool = False
    """Whether the CPU may run the bundle where the provider cannot."""
    max_candidates: int = 1000
    """Of a request: the largest bucket on a GPU."""
    engines: Path | None = None
    """Where TensorRT keeps the engines of all bundles; beside the bundle when not given."""
    has_graphs: bool = False
    """Whether a GPU replays each bucket's run as one CUDA graph."""

    def engines_of(self, bundle: Path) -> Path:
        return (self.engines or bundle.parent / ENGINES) / bundle.name


CPU: Final = Execution()
