"""What a fit leaves in a run folder on its way: a checkpoint an epoch, and its curve."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from models.schema import Frozen
from models.training import epoch_checkpoint
from models.training.course import Course
from models.training.curve import Curve
from models.training.placement import Placement
from models.training.terms import Terms, terms_of

CHECKPOINTS: Final = "checkpoints"
CURVES: Final = "curves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """`after_epoch` is called once the epoch is safe; what it raises ends the fit."""

    folder: Path
    name: str
    terms: Terms
    after_epoch: Callable[[Course], None] | None = None

    def of(self, config: Frozen) -> "Trail":
        """For a model of this config and no other."""
        return replace(self, terms=self.terms | terms_of(config=config))

    def resume(self, course: Course, placement: Placement) -> None:
        """Raises RunRefused or CheckpointInvalid."""
        epoch_checkpoint.restore(self._checkpoint, course, self.terms, placement)

    def ended_epoch(self, course: Course, placement: Placement) -> None:
        epoch_checkpoint.write(self._checkpoint, course, self.terms, placement)
        if self.after_epoch:
            self.after_epoch(course)

    def curve(self, course: Course) -> Curve:
        return Curve(self.folder / CURVES, self.name, course.step)

    def clear(self) -> None:
        """Once the model itself is in the folder, or is to begin again."""
        self._checkpoint.unlink(missing_ok=True)
        folder = self.folder / CHECKPOINTS
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()

    @property
    def _checkpoint(self) -> Path:
        return self.folder / CHECKPOINTS / f"{self.name}.safetensors"
