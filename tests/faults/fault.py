"""What a proxy can be told to do."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Fault:
    """All that is wrong at a time; by default nothing."""

    commands: frozenset[bytes] = frozenset()
    """Those concerned by `delay_s` and `error`; none named is all of them."""
    delay_s: float = 0.0
    """Replies come so much later."""
    error: bytes | None = None
    """Answered instead: the server never sees the command."""
    is_silent: bool = False
    """Takes connections and bytes and passes nothing on. A connection that was used then stays
    dead: its server is gone without a word."""
    resets: bool = False
    """Every connection ends with a reset as soon as it is there."""
    refuses: bool = False
    """Nobody listens."""
    cut_after: int | None = None
    """Bytes of replies on a connection, after which it ends."""
    flips: bool = False
    """A bit of every value that is read."""

    def concerns(self, command: bytes) -> bool:
        return not self.commands or command in self.commands


NONE: Final = Fault()
WRITES: Final = frozenset({b"EVAL", b"XADD", b"SET"})
EVAL: Final = frozenset({b"EVAL"})
