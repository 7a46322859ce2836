"""What the HTTP side needs to know of rollouts, however they are kept."""

from typing import Protocol

from server.console.snapshot import Trail
from server.rollout_wire import Bundles, Models, RolloutAct, RolloutStatus, Transition


class RolloutSource(Protocol):
    async def status(self) -> list[RolloutStatus]:
        """Of every model that is served here. Never fails: without Redis the last state is told.
        Raises NotReady."""
        ...

    async def history(self, model: str, count: int) -> list[Transition]:
        """The newest first. Raises UnknownModel, RolloutUnavailable."""
        ...

    async def act(self, model: str, asked: RolloutAct, by: str) -> RolloutStatus:
        """The status after it. Raises UnknownModel, InvalidRequest, RolloutRefused,
        RolloutUnavailable."""
        ...

    def trails(self) -> list[Trail]: ...

    async def run(self) -> None:
        """Keeps trails while nobody watches. Until cancelled."""
        ...


class ModelSource(Protocol):
    async def models(self) -> Models:
        """Raises NotReady."""
        ...

    async def bundles(self) -> Bundles:
        """Raises RegistryAway."""
        ...
