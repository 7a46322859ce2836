"""How far a space that nobody is answered from yet is filled, by what requests ask of it."""

from typing import NamedTuple


class Standing(NamedTuple):
    """Candidates of mirrored requests."""

    seen: int = 0
    held: int = 0  # with a pair in the space that is served
    ready: int = 0  # with a pair in the space to come

    @property
    def gap(self) -> float:
        """Coverage that would be lost by a switch now."""
        return (self.held - self.ready) / max(self.seen, 1)

    @property
    def coverage(self) -> float:
        return self.ready / max(self.seen, 1)

    def plus(self, more: "Standing") -> "Standing":
        return Standing(*(one + other for one, other in zip(self, more, strict=True)))

    def less(self, before: "Standing") -> "Standing":
        """What came after `before`; all of it where the count began again since."""
        if any(one < other for one, other in zip(self, before, strict=True)):
            return self
        return Standing(*(one - other for one, other in zip(self, before, strict=True)))
