"""One peer after another: installed, started, compared with the model, measured, stopped."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from loadtest.bench.cores import Cores
from loadtest.bench.sizes import Raw, raw_loop
from loadtest.peers.agreement import check_scores, target_of, wait_ready
from loadtest.peers.environment import environment
from loadtest.peers.measure import Measured, measure
from loadtest.peers.pipeline import OURS, running_pipeline
from loadtest.peers.process import running
from loadtest.peers.table import by_name
from loadtest.peers.target import Target
from loadtest.peers.tensors import Case


class Contest(NamedTuple):
    source: Path  # a demo's folder
    bundle: Path
    out: Path
    cores: Cores
    cases: Sequence[Case]  # by size, ascending
    trial_s: float
    is_searched: bool
    say: Callable[[str], None]

    def entry(self, name: str) -> Iterator[tuple[int, Measured]]:
        """Size by size. Raises LoadTestError: what came before it stands, and others go on."""
        return self._ours(name) if name in OURS else self._peer(name)

    def _peer(self, name: str) -> Iterator[tuple[int, Measured]]:
        peer = by_name(name)
        programs = environment(peer.environment, self.out)
        raw = self._raw_loop()
        with running(peer, programs, self.bundle, self._scratch(name), self.cores) as server:
            wait_ready(target_of(peer, server, self.cases[0]), server)
            server.pin(self.cores.measured)
            for case in self.cases:
                target = target_of(peer, server, case)
                check_scores(peer, target, case)
                yield case.candidates, self._measured(name, target, case.candidates, raw)

    def _ours(self, name: str) -> Iterator[tuple[int, Measured]]:
        raw = self._raw_loop()
        for size in (case.candidates for case in self.cases):
            state = self._scratch(name).resolve()
            with running_pipeline(self.source, state, self.cores, size) as pipeline:
                covered = pipeline.checked_coverage(name, size, self.bundle)
                measured = self._measured(name, pipeline.target(name, size), size, raw)
                yield size, measured._replace(coverage=covered)

    def _measured(
        self, name: str, target: Target, candidates: int, raw: Mapping[int, Raw]
    ) -> Measured:
        measured = measure(target, raw[candidates], self.trial_s, self.is_searched)
        self._tell(name, candidates, measured)
        return measured

    def _raw_loop(self) -> Mapping[int, Raw]:
        """Of this minute: on a shared machine the ceiling of an hour ago is another one."""
        sizes = [case.candidates for case in self.cases]
        return raw_loop(self.bundle, sizes, self.cores.measured)

    def _scratch(self, name: str) -> Path:
        folder = self.out / "run" / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _tell(self, name: str, candidates: int, measured: Measured) -> None:
        light = measured.light
        self.say(
            f"{name}, {candidates} candidates: {self._held(measured)}"
            f"{measured.capacity:.0f}/s in a closed loop; "
            f"at {light.outcome.intended_rate:.0f}/s p50 {light.outcome.p50_ms:.2f} ms, "
            f"p99 {light.outcome.p99_ms:.2f} ms, {light.cpu_ms:.2f} ms of CPU a request"
        )

    def _held(self, measured: Measured) -> str:
        best = measured.found.best
        if best is not None:
            return f"{best.achieved_rate:.0f}/s in time ({measured.share:.2f}); "
        return "none held in time; " if self.is_searched else ""
