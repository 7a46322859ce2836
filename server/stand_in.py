"""The student that answers when the lane's own gives nothing: small, and known to be good."""

import logging
from pathlib import Path
from typing import Self

from cache.tiers import TtlPolicy
from models.features.live_catalogue import LiveCatalogue
from models.features.records import F32
from models.manifest import BundleError, Manifest
from models.runtime import Model
from server.assembly import Assembler, Assembly

log = logging.getLogger(__name__)


class StandInUnfit(BundleError):
    """The stand-in cannot answer in place of the lane's student."""


class StandIn:
    """Reads no cache, and the lane's own catalogue. Its inputs are built only once they are
    needed."""

    def __init__(self, model: Model, assembler: Assembler) -> None:
        self.model = model
        self._assembler = assembler

    @classmethod
    def of(cls, model: Model, catalogue: LiveCatalogue, ttl: TtlPolicy) -> Self:
        return cls(model, Assembler(model.manifest.features, catalogue, ttl, tiers=()))

    def logit(self, assembly: Assembly, place: int) -> F32 | None:
        """`[N, T]` of the request at this place; None when it gives nothing either. Blocking."""
        try:
            alone = self._assembler.assemble([assembly.prepared[place]])
            logit = self.model.run(alone.inputs(0, 1)).logit
        except Exception as error:
            log.error("the stand-in fails too", exc_info=error)
            return None
        # The catalogue may have changed since the request was assembled.
        return logit if len(logit) == len(assembly.requests[place].item_keys) else None


def check_stand_in(folder: Path, manifest: Manifest, lane: Manifest) -> None:
    """Raises StandInUnfit."""
    if manifest.reads_space is not None:
        raise StandInUnfit(
            f"{folder} reads the space {manifest.reads_space}: a stand-in answers when all else "
            "fails, so name a student that reads no cache"
        )
    mine, theirs = manifest.features, lane.features
    if (mine.log, mine.prior_rates) != (theirs.log, theirs.prior_rates):
        raise StandInUnfit(
            f"{folder} was trained on another log schema than {lane.name}: train both in one run"
        )
