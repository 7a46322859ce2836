"""Who runs the model of a lane: this process, or Triton with this process behind it."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter_ns
from typing import Final, NamedTuple, Protocol

import numpy as np

from cache.breaker import CircuitBreaker
from models.features.records import F32, Arrays
from models.manifest import BundleError, Manifest
from models.runtime import Model, Outputs
from models.triton.errors import TritonError, TritonTimeout
from models.triton.opening import open_model
from server.settings import Settings

log = logging.getLogger(__name__)

PATIENT: Final = 0.5
"""Share of the time limit from which on it is always Triton that is late."""
SLOW: Final = 2.0
"""So is it past this multiple of what a run usually takes; less is its callers' hurry."""
LEARNING_RATE: Final = 0.1
MIN_PROOF_S: Final = 0.25

Headers = Mapping[str, str] | None


class Ran(NamedTuple):
    logit: F32  # [N, T]
    reason: str | None  # why it was not Triton's, if it was to be


class Backend(Protocol):
    is_remote: bool
    """Whether a run may wait for another process: it must not do so on the event loop."""

    def run(self, arrays: Arrays, until_ns: int, headers: Headers = None) -> Ran:
        """Blocking. `until_ns`, of perf_counter_ns, is the first deadline of those who wait;
        `headers` go along to another process."""


class InProcess:
    is_remote = False

    def __init__(self, model: Model) -> None:
        self._model = model

    def run(self, arrays: Arrays, until_ns: int, headers: Headers = None) -> Ran:
        return Ran(self._model.run(arrays).logit, None)


class Remote(Protocol):
    """What is used of models.triton.model.TritonModel."""

    timeout_s: float

    @property
    def manifest(self) -> Manifest: ...

    def run(self, arrays: Arrays, timeout_s: float, headers: Headers = None) -> Outputs: ...

    def prove(self, timeout_s: float = ...) -> None: ...

    def close(self) -> None: ...


class TritonFirst:
    """While Triton fails, the same student answers here. What was asked of it in vain stops after
    a few failures in a row; `watch` then finds out, behind requests, when it is back."""

    is_remote = True

    def __init__(
        self, triton: Remote, model: Model, breaker: CircuitBreaker, retry_s: float
    ) -> None:
        self._triton = triton
        self._model = model
        self._breaker = breaker
        self._retry_s = retry_s
        self._usual_s = 0.0
        self._told = ""
        """The last trouble in the log, so that it is there once."""

    def run(self, arrays: Arrays, until_ns: int, headers: Headers = None) -> Ran:
        if self._breaker.is_open:
            return self._here(arrays, "triton_unavailable")
        # Half of what is left: the other half is for the student here, should Triton not answer.
        began_ns = perf_counter_ns()
        limit_s = min(self._triton.timeout_s, max(until_ns - began_ns, 0) / 2e9)
        try:
            logit = self._triton.run(arrays, limit_s, headers).logit
        except TritonTimeout as error:
            if limit_s >= min(PATIENT * self._triton.timeout_s, SLOW * self._usual_s):
                self._failed(error)
            return self._here(arrays, "triton_timeout")
        except Exception as error:
            # Whatever a client library raises, the student here can still answer.
            self._failed(error)
            return self._here(arrays, "triton_unavailable")
        took_s = (perf_counter_ns() - began_ns) / 1e9
        self._usual_s += LEARNING_RATE * (took_s - self._usual_s)
        return self._checked(arrays, logit)

    def begin(self) -> None:
        """Blocking. A Triton that is away is waited for behind requests; another model than the
        bundle's stops the start. Raises TritonMismatch, GoldenMismatch."""
        try:
            self._triton.prove()
        except TritonError as error:
            self._distrust(error)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._retry_s)
            if self._breaker.is_open:
                await asyncio.to_thread(self.retry)

    def retry(self) -> None:
        """Blocking. Trusts Triton again once it gives the golden answers."""
        try:
            self._triton.prove(max(self._triton.timeout_s, MIN_PROOF_S))
        except (TritonError, BundleError) as error:
            self._tell(error)
        else:
            self._breaker.succeeded()
            self._told = ""
            log.info("Triton answers for %s again", self._triton.manifest.name)

    def close(self) -> None:
        self._triton.close()

    def _checked(self, arrays: Arrays, logit: F32) -> Ran:
        """Whether it is Triton or the request that gives what is no number, this process knows."""
        if np.isfinite(logit).all():
            self._breaker.succeeded()
            self._told = ""
            return Ran(logit, None)
        here = self._model.run(arrays).logit
        if not np.isfinite(here).all():
            return Ran(here, None)
        self._failed(ValueError("logits of Triton are not finite where the student's here are"))
        return Ran(here, "triton_not_finite")

    def _here(self, arrays: Arrays, reason: str) -> Ran:
        return Ran(self._model.run(arrays).logit, reason)

    def _failed(self, error: Exception) -> None:
        self._breaker.failed()
        self._tell(error)

    def _distrust(self, error: Exception) -> None:
        while not self._breaker.is_open:
            self._breaker.failed()
        self._tell(error)

    def _tell(self, error: Exception) -> None:
        kind = type(error).__name__
        if kind != self._told:
            log.warning("the student in this process answers: %s: %s", kind, error)
            self._told = kind


def triton_first(settings: Settings, model: Model, folder: Path) -> TritonFirst | None:
    """None without a URL. Raises TritonClientMissing, BundleError."""
    if settings.triton_url is None:
        return None
    triton = open_model(folder, settings.triton_url, settings.triton_timeout_ms / 1000.0)
    retry_s = settings.breaker_open_ms / 1000.0
    breaker = CircuitBreaker(settings.breaker_failures, retry_s)
    return TritonFirst(triton, model, breaker, retry_s)
