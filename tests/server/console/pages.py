"""Pages of /metrics as a gateway writes them."""

from prometheus_client.exposition import generate_latest

from server.metrics import LaneMetrics, Metrics
from server.stages import StageClock
from server.workers.pages import Labelled


class Counting:
    """One worker's metrics."""

    def __init__(self, worker: str = "") -> None:
        self.metrics = Metrics()
        self._worker = worker
        self._lanes: dict[tuple[str, str], LaneMetrics] = {}

    def rank(self, total_ms: float, lane: str = "stable", version: str = "aaa") -> None:
        """One answer whose time was all inference."""
        clock = StageClock()
        clock.spent_ns = dict.fromkeys(clock.spent_ns, 0) | {"inference": round(total_ms * 1e6)}
        clock.started_ns = clock._last_ns - round(total_ms * 1e6)
        if (lane, version) not in self._lanes:
            self._lanes[lane, version] = LaneMetrics(self.metrics, lane, version)
        self._lanes[lane, version].timed(clock)
        self._lanes[lane, version].covered([3, 0, 0, 0, 1])
        self.metrics.requests.count("/v1/rank", "200").value += 1

    def page(self) -> bytes:
        if not self._worker:
            return self.metrics.page()
        return generate_latest(Labelled(self.metrics.registry, self._worker))
