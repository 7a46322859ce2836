"""One model of this process: its lanes, who of them answers whom, and its part in rollouts."""

import logging
from collections.abc import Callable

from models.manifest import Manifest
from server.admission import Room
from server.background import Background
from server.cache_links import CacheLinks
from server.cache_status import StatusReporter
from server.lane import Lane
from server.metrics import Metrics
from server.open_lane import Source
from server.open_lanes import OpenLanes
from server.rollout.controller import Controller
from server.rollout.lanes.follower import Follower
from server.rollout.lanes.routing import Routing
from server.rollout.state import STARTED_WITH, State

log = logging.getLogger(__name__)


class Vertical:
    """`routing` is replaced whole; a request takes it once, and is answered and told by it."""

    routing: Routing

    def __init__(
        self,
        source: Source,
        manifest: Manifest,
        links: CacheLinks,
        metrics: Metrics,
        gateway: str,
        say: Callable[[str], None],
        room: Room,
    ) -> None:
        """`gateway` is the name of this process among its like."""
        self.name = manifest.name
        self.lanes = OpenLanes(source, manifest, links, metrics, say, room)
        self.board = links.rollout(manifest.name)
        self._gateway = gateway
        self._metrics = metrics
        self._background = Background()
        self._answering: list[Lane] = []
        self.follower: Follower | None = None
        if self.board is not None:
            self.follower = Follower(self.board, self.lanes, metrics, gateway, self._publish)

    @property
    def lane(self) -> Lane:
        """The stable one."""
        return self.routing.stable.lane

    @property
    def answering(self) -> list[Lane]:
        """The stable lane first."""
        return self._answering

    @property
    def status(self) -> StatusReporter:
        return self.routing.stable.status

    @property
    def state(self) -> State:
        """Of its rollout, as it was last read."""
        return State() if self.follower is None else self.follower.state

    async def begin(self) -> None:
        """Ready when it returns. Raises BundleError, CatalogueError, ServingError."""
        follower = self.follower
        if follower is None or self.board is None:
            self._publish(Routing(await self.lanes.opened(STARTED_WITH)))
            return
        await follower.begin()
        self._background.keep("rollout", follower.run())
        controller = Controller(self.board, self._gateway, known=lambda: follower.revision)
        self._background.keep("controller", controller.run())

    async def close(self) -> None:
        await self._background.end()
        if self.follower is not None:
            await self.follower.close()
        await self.lanes.close()

    def _publish(self, routing: Routing) -> None:
        is_new = not self._answering or self._answering[0].model is not routing.stable.lane.model
        self.routing = routing
        self._tell(routing)
        if is_new:
            _log_ready(routing.stable.lane)

    def _tell(self, routing: Routing) -> None:
        """Of the lanes that answer from now on, in place of those before."""
        opened = [routing.stable, *filter(None, [routing.candidate])]
        before, self._answering = self._answering, [each.lane for each in opened]
        for lane in before:
            if lane not in self._answering:
                self._metrics.freshness.forget(lane.freshness)
        for lane in self._answering:
            self._metrics.freshness.watch(lane.name, lane.model.version, lane.freshness)
        self._metrics.bundles.tell(self.name, {lane.name: lane.model for lane in self._answering})


def _log_ready(lane: Lane) -> None:
    cost = lane.admission.cost
    log.info(
        "ready: %s on %s, %.3f ms a request and %.4f ms a candidate",
        lane.folder.name,
        lane.model.provider,
        cost.per_request_ms,
        cost.per_candidate_ms,
    )
