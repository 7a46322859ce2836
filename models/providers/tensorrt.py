"""TensorRT's provider: an engine for each bucket, all of them there before the first request.

An engine takes seconds to minutes to build. ONNX Runtime builds one whenever a shape comes that
none was made for, so each bucket has a session whose graph is of its one shape, and nothing else is
ever sent to it. Profiles would not do: one has to name every tensor that enters an engine, and
where TensorRT lacks an operator those are tensors within the graph.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from models.features.records import Arrays
from models.providers.apart import put_back, requests_apart
from models.providers.bound import Session
from models.providers.buckets import bucket_for
from models.providers.errors import ShapeRefused
from models.schema import TensorSpec


class EngineSessions:
    """A batch of several requests runs one request after the other."""

    def __init__(self, by_bucket: dict[int, Session], specs: Sequence[TensorSpec]) -> None:
        self._by_bucket, self._specs = by_bucket, specs
        self._buckets = sorted(by_bucket)

    def run(self, names: None, arrays: Arrays) -> list[NDArray[Any]]:
        """Raises ShapeRefused before anything is run."""
        parts = list(requests_apart(arrays, self._specs))
        chosen = [self._session_for(len(part.places)) for part in parts]
        answers = [
            session.run(None, part.arrays) for session, part in zip(chosen, parts, strict=True)
        ]
        return [put_back(parts, each) for each in zip(*answers, strict=True)]

    def get_inputs(self) -> Sequence[Any]:
        return self._by_bucket[self._buckets[0]].get_inputs()

    def get_providers(self) -> list[str]:
        return self._by_bucket[self._buckets[0]].get_providers()

    def _session_for(self, candidates: int) -> Session:
        bucket = bucket_for(candidates, self._buckets)
        if bucket is None:
            raise ShapeRefused(
                f"{candidates} candidates, and the largest engine takes {self._buckets[-1]}: "
                "raise UNDERSTUDY_MAX_CANDIDATES, or --candidate-limit of a refresher"
            )
        return self._by_bucket[bucket]


def provider_options(bucket: int, engines: Path, *, has_graph: bool) -> dict[str, str]:
    return {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(engines),
        "trt_engine_cache_prefix": f"candidates-{bucket}",
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(engines),
        "trt_cuda_graph_enable": str(int(has_graph)),
    }


def forgo_tf32() -> None:
    """TF32 rounds products to ten bits, ten times more than a golden answer may be off. ONNX
    Runtime has no option for it: NVIDIA's libraries read this variable, TensorRT as it builds."""
    os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
