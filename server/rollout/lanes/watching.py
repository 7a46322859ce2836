"""What is counted of the lanes while a stage of a rollout lasts."""

import asyncio
from typing import Final, NamedTuple

from server.background import Background
from server.cache_links import CacheLinks
from server.collectors import Tally
from server.open_lane import OpenLane
from server.rollout.evidence.shadow import Shadow
from server.rollout.evidence.witness import Witness
from server.rollout.state import State

COUNTED: Final = ("shadowing", "canary")
ENDING_S: Final = 5.0


class Watch(NamedTuple):
    """Of one tally."""

    tally: str
    lanes: tuple[OpenLane, OpenLane]
    witness: Witness
    shadow: Shadow | None
    background: Background


class Watching:
    """`gateway` is the name of this process among its like."""

    def __init__(self, links: CacheLinks, gateway: str, evidence: Tally) -> None:
        self._links = links
        self._gateway = gateway
        self._evidence = evidence
        self._over: set[asyncio.Task[None]] = set()
        """Those that end, which nobody waits for."""
        self.now: Watch | None = None

    def follow(self, state: State, stable: OpenLane, candidate: OpenLane | None) -> Watch | None:
        """What is to be told of answers from now on. None where nothing is counted."""
        if candidate is None or state.stage not in COUNTED:
            self._drop()
            return None
        held, lanes = self.now, (stable, candidate)
        if held is None or (held.tally, held.lanes) != (state.tally, lanes):
            self._drop()
            self.now = self._begun(state, stable, candidate)
        return self.now

    def encoded(self, tally: str) -> dict[str, bytes]:
        """The sums of that tally, by lane."""
        return self.now.witness.encoded() if self.now and self.now.tally == tally else {}

    @property
    def is_hung(self) -> bool:
        """Whether a shadow's run does not come back."""
        return self.now is not None and self.now.shadow is not None and self.now.shadow.is_hung

    async def close(self) -> None:
        self._drop()
        if self._over:
            await asyncio.wait(self._over, timeout=ENDING_S)

    def _drop(self) -> None:
        if self.now is not None:
            self._evidence.settle(self.now.witness.counts)
            ending = asyncio.create_task(self.now.background.end())
            self._over.add(ending)
            ending.add_done_callback(self._over.discard)
            self.now = None

    def _begun(self, state: State, stable: OpenLane, candidate: OpenLane) -> Watch:
        witness = Witness.of(state, stable.manifest, self._links, self._gateway)
        self._evidence.add(witness.counts, stable.manifest.name)
        background = Background()
        background.keep("witness", witness.run())
        shadow = None
        if state.stage == "shadowing":
            reader = candidate.reader_behind()
            shadow = Shadow(witness, candidate.lane, stable.lane, reader)
            background.keep("shadow", shadow.run())
        return Watch(state.tally, (stable, candidate), witness, shadow, background)
