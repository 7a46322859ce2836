"""A model at Triton for work that can wait, and must not be lost for Triton's faults."""

from collections.abc import Callable
from typing import Protocol

from models.features.records import Arrays
from models.manifest import Manifest
from models.runtime import Outputs
from models.triton.errors import TritonError, TritonUnavailable


class Provable(Protocol):
    """What is used of TritonModel."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def version(self) -> str: ...

    def run(self, arrays: Arrays) -> Outputs: ...

    def prove(self) -> None: ...


class PatientModel:
    """Tells a Triton that fails from a batch that makes it fail, by the golden batch: while that
    fails too, `run` raises what `away` makes of the error, and the batch may be tried again."""

    def __init__(self, model: Provable, away: Callable[[TritonError], Exception]) -> None:
        self._model = model
        self._away = away
        self._is_proven = False
        self.manifest = model.manifest
        self.version = model.version

    def run(self, arrays: Arrays) -> Outputs:
        """Blocking. Raises BundleError when another model is there than the bundle's."""
        self._prove()
        try:
            return self._run(arrays)
        except TritonError:
            # Refused too: one that was started again meanwhile knows nothing of what it was told.
            self._is_proven = False
        self._prove()
        return self._run(arrays)

    def _run(self, arrays: Arrays) -> Outputs:
        try:
            return self._model.run(arrays)
        except TritonUnavailable as error:
            self._is_proven = False
            raise self._away(error) from error

    def _prove(self) -> None:
        if not self._is_proven:
            try:
                self._model.prove()
            except TritonError as error:
                raise self._away(error) from error
            self._is_proven = True
