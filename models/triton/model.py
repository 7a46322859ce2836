"""A verified bundle that Triton runs."""

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Final

from models.features.records import Arrays
from models.manifest import Bundle
from models.runtime import Outputs, check_golden
from models.triton.address import Address
from models.triton.connection import Connection
from models.triton.errors import TritonError
from models.triton.tensors import check_metadata, expected_outputs

PROOF_S: Final = 10.0
Connect = Callable[[Address, list[str]], Connection]


class TritonModel:
    """Runs of any thread, each on a connection of its own. Nothing is asked of Triton before the
    first call."""

    def __init__(
        self, bundle: Bundle, address: Address, timeout_s: float, connect: Connect = Connection
    ) -> None:
        self.bundle = bundle
        self.manifest = bundle.manifest
        self.version = bundle.version
        self.address = address.of(f"{self.manifest.name}-{self.version}")
        self.timeout_s = timeout_s
        self._connect = connect
        self._own = threading.local()
        self._open: set[Connection] = set()
        self._forsaken: list[str] = []

    def run(
        self,
        arrays: Arrays,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Outputs:
        """Blocking; safe to call from several threads. Raises TritonError."""
        connection = self._connection()
        try:
            limit_s = self.timeout_s if timeout_s is None else timeout_s
            return self._outputs(connection, arrays, limit_s, headers)
        except TritonError:
            # Also when it answered: one that was started again knows no shared memory.
            self._drop(connection)
            raise

    def prove(self, timeout_s: float = PROOF_S) -> None:
        """That the model there is the bundle's: its tensors and its golden batch. Blocking.

        Raises TritonMismatch, GoldenMismatch, TritonError.
        """
        with closing(self._connect(self.address, self._forsaken)) as connection:
            check_metadata(self.manifest, connection.metadata(timeout_s), self.address)
            check_golden(
                self.manifest,
                self.bundle.folder,
                lambda arrays: self._outputs(connection, arrays, timeout_s),
                str(self.address),
            )

    def close(self) -> None:
        """Of all threads, once none of them runs anything any more."""
        for connection in tuple(self._open):
            self._drop(connection)
        if self._forsaken:
            with closing(self._connect(self.address, self._forsaken)) as connection:
                connection.let_go()

    def _outputs(
        self,
        connection: Connection,
        arrays: Arrays,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> Outputs:
        expected = expected_outputs(self.manifest.outputs, arrays)
        answered = connection.infer(arrays, expected, timeout_s, headers)
        return Outputs(answered["logit"], answered.get("z"))

    def _connection(self) -> Connection:
        held: Connection | None = getattr(self._own, "connection", None)
        if held is None:
            held = self._own.connection = self._connect(self.address, self._forsaken)
            self._open.add(held)
        return held

    def _drop(self, connection: Connection) -> None:
        self._own.connection = None
        self._open.discard(connection)
        connection.close()
