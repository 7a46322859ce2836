"""One thread's way to the model at Triton."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Any, Final

from models.features.records import Arrays
from models.triton.address import Address
from models.triton.errors import TritonError, TritonTimeout
from models.triton.shared_region import SharedRegion
from models.triton.tensors import DATATYPES, Expected, check_output
from models.triton.transport import open_transport

FORGET_S: Final = 0.05
"""What Triton may take to let go of memory, while a run waits."""


class Connection:
    """After an error it is closed: a late answer could still be written into shared memory."""

    def __init__(self, address: Address, forsaken: list[str]) -> None:
        """`forsaken` are names of regions that Triton still has and nobody uses, to be shared
        by all connections of a model: whoever opens the next region has them let go of."""
        self._address = address
        self._transport = open_transport(address)
        self._region: SharedRegion | None = None
        self._forsaken = forsaken

    def metadata(self, timeout_s: float) -> Mapping[str, Any]:
        """Of the model. Raises TritonError."""
        model, version = self._address.model, self._address.version
        named = {"as_json": True} if self._address.protocol == "grpc" else {}
        told: Mapping[str, Any] = self._transport.call(
            "get_model_metadata", model, version, timeout_s=timeout_s, **named
        )
        return told

    def infer(
        self,
        inputs: Arrays,
        outputs: Sequence[Expected],
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> Arrays:
        """`headers` go along, as metadata over gRPC. Raises TritonError."""
        until_s = time.monotonic() + timeout_s
        region = self._fitting(inputs, outputs, until_s) if self._address.shared_memory else None
        asked = [self._asked(name, array, region) for name, array in inputs.items()]
        wanted = [self._wanted(expected, region) for expected in outputs]
        left_s = self._left_s(until_s)
        answer = self._transport.call(
            "infer", self._address.model, asked, self._address.version, wanted,
            timeout=int(left_s * 1e6), headers=headers, timeout_s=left_s,
        )  # fmt: skip
        return {expected.name: self._read(answer, expected, region) for expected in outputs}

    def let_go(self, until_s: float = inf) -> None:
        """Has Triton let go of the memory that nobody uses any more, as long as there is time."""
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                name = self._forsaken.pop()
            except IndexError:  # other threads take from it too
                return
            with suppress(TritonError):
                self._transport.call(
                    "unregister_system_shared_memory", name, timeout_s=min(FORGET_S, left_s)
                )

    def close(self) -> None:
        """Asks nothing of Triton, which may be why it is closed."""
        self._leave_region()
        with suppress(Exception):
            self._transport.close()

    def _leave_region(self) -> None:
        if self._region is not None:
            self._region.close()
            self._forsaken.append(self._region.name)
            self._region = None

    def _left_s(self, until_s: float) -> float:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TritonTimeout(f"{self._address}: no time was left for the run")
        return left_s

    def _asked(self, name: str, array: Any, region: SharedRegion | None) -> Any:
        asked = self._transport.kinds.InferInput(name, array.shape, DATATYPES[array.dtype.name])
        if region is None:
            asked.set_data_from_numpy(array)
        else:
            asked.set_shared_memory(region.name, array.nbytes, region.put(name, array))
        return asked

    def _wanted(self, expected: Expected, region: SharedRegion | None) -> Any:
        wanted = self._transport.kinds.InferRequestedOutput(expected.name)
        if region is not None:
            offset = region.reserve(expected.name, expected.size_bytes)
            wanted.set_shared_memory(region.name, expected.size_bytes, offset)
        return wanted

    def _read(self, answer: Any, expected: Expected, region: SharedRegion | None) -> Any:
        if region is None:
            return check_output(expected, answer.as_numpy(expected.name), self._address)
        return region.read(expected, answer.get_output(expected.name), self._address)

    def _fitting(
        self, inputs: Arrays, outputs: Sequence[Expected], until_s: float
    ) -> SharedRegion | None:
        """Empty, and large enough; None for a run that is too large to be laid there."""
        size = SharedRegion.size_for(inputs, outputs)
        if size is None:
            return None
        if self._region is None or self._region.size_bytes < size:
            self._replace_region(size, until_s)
        region = self._region
        assert region is not None
        region.clear()
        return region

    def _replace_region(self, size: int, until_s: float) -> None:
        self._leave_region()
        self.let_go(until_s)
        region = self._region = SharedRegion(size)
        self._transport.call(
            "register_system_shared_memory", region.name, region.key, region.size_bytes,
            timeout_s=self._left_s(until_s),
        )  # fmt: skip
