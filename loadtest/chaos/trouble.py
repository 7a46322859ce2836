"""What may be wrong with a network, as the proxy is told it."""

from dataclasses import dataclass
from typing import Final

RETRANSMITTED_S: Final = 0.2
"""Linux waits so long at least before it sends a segment again (TCP_RTO_MIN)."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """All that is wrong at a time; by default nothing. Of the answers, unless it says otherwise."""

    delay_ms: float = 0.0
    lost: float = 0.0
    """Share of the segments that come once they were sent again, and hold up those behind them."""
    corrupt: float = 0.0
    """Share of the segments in which one bit is another."""
    bytes_s: float | None = None
    silent: bool = False
    """Takes connections and bytes and passes nothing on. A connection that was used then stays
    dead: its other end is gone without a word."""
    resets: bool = False
    """Every connection ends with a reset as soon as it is there."""
    refuses: bool = False
    """Nobody listens."""
