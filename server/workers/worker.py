"""One process of several that answer on a port."""

from pathlib import Path
from typing import NamedTuple


class Worker(NamedTuple):
    """`folder` is the supervisor's: each worker has a unix socket in it."""

    folder: Path
    number: int
    workers: int

    @property
    def name(self) -> str:
        return f"worker-{self.number}"

    def socket_of(self, number: int) -> Path:
        return self.folder / f"{number}.sock"

    @property
    def socket(self) -> Path:
        return self.socket_of(self.number)

    @property
    def pulse(self) -> Path:
        """The supervisor's socket, on which it hears that loops turn."""
        return self.folder / "pulse.sock"

    @property
    def started(self) -> Path:
        """There once all workers have listened: one that is started later comes back."""
        return self.folder / "started"

    @property
    def comes_back(self) -> bool:
        return self.started.exists()

    @property
    def siblings(self) -> list[int]:
        return [number for number in range(self.workers) if number != self.number]
