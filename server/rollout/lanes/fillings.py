"""Spaces that are filled by the answers of a lane that reads another one."""

import logging
from collections.abc import Collection
from typing import NamedTuple

from cache.standing import Standing
from server.background import Background
from server.collectors import Tally
from server.mirror import Mirror
from server.open_lane import OpenLane

log = logging.getLogger(__name__)


class Filling(NamedTuple):
    """Whose answers, and whose space."""

    answering: OpenLane
    into: OpenLane


class _Begun(NamedTuple):
    mirror: Mirror
    background: Background


def differ(answering: OpenLane, into: OpenLane) -> bool:
    """Whether the one's answers leave the other's space unfilled."""
    return into.manifest.reads_space not in (None, answering.manifest.reads_space)


class Fillings:
    """What a lane's answers are mirrored into; one space a lane."""

    def __init__(self, mirrored: Tally) -> None:
        self._mirrored = mirrored
        self._begun: dict[Filling, _Begun] = {}

    async def only(self, wanted: Collection[Filling]) -> None:
        """Begins those that are new and ends all others. After a lane was named: its feedback is
        another then."""
        for filling in [*self._begun]:
            if filling not in wanted:
                await self._end(filling)
        for filling in wanted:
            if filling not in self._begun:
                self._begin(filling)
            filling.answering.lane.feedback.mirror = self._begun[filling].mirror

    def standing(self, into: OpenLane | None) -> Standing:
        """Candidates that were looked up in that lane's space, since it is filled."""
        for filling, begun in self._begun.items():
            if filling.into is into:
                return Standing(**begun.mirror.counts())
        return Standing()

    async def close(self) -> None:
        await self.only(())

    def _begin(self, filling: Filling) -> None:
        mirror, background = filling.into.mirror(), Background()
        background.keep("mirror", mirror.run())
        self._mirrored.add(mirror.counts)
        self._begun[filling] = _Begun(mirror, background)
        log.info("filling the space of %s", filling.into.lane.folder.name)

    async def _end(self, filling: Filling) -> None:
        begun = self._begun.pop(filling)
        feedback = filling.answering.lane.feedback
        if feedback.mirror is begun.mirror:
            feedback.mirror = None
        await begun.background.end()
        self._mirrored.settle(begun.mirror.counts)
