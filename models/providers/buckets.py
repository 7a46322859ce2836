"""Numbers of candidates that a GPU is prepared for: any other is padded up to the next of them.

Buffers, CUDA graphs and TensorRT's engines are all made for one shape. Powers of two leave less
than half of a run to padding, and a GPU takes a thousand candidates in about the time of one.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final

from models.schema import TensorSpec

SMALLEST: Final = 64
Shape = tuple[int, ...]


def buckets_of(max_candidates: int) -> tuple[int, ...]:
    """64, 128, 256 … and `max_candidates` itself, ascending."""
    buckets, size = [], SMALLEST
    while size < max_candidates:
        buckets.append(size)
        size *= 2
    return (*buckets, max_candidates)


def bucket_for(candidates: int, buckets: Sequence[int]) -> int | None:
    """The smallest that holds them; None where they are more than any."""
    place = bisect_left(buckets, candidates)
    return buckets[place] if place < len(buckets) else None


def shape_in(spec: TensorSpec, bucket: int) -> Shape:
    """Of one request (R = 1) with the bucket's candidates (N = K = bucket)."""
    sizes = {"R": 1, "N": bucket, "K": bucket}
    return tuple(sizes[size] if isinstance(size, str) else size for size in spec.shape)


def axis_sizes(
    held: Mapping[str, Sequence[int | str | None]], specs: Sequence[TensorSpec], bucket: int
) -> dict[str, int]:
    """Of a graph's named axes in `shape_in`, by the shapes that its inputs have in the graph: an
    exporter names axes as it likes."""
    return {
        axis: size
        for spec in specs
        for axis, size in zip(held[spec.name], shape_in(spec, bucket), strict=True)
        if isinstance(axis, str)
    }
