"""A reading for machines."""

from typing import Any

import msgspec

from server.rollout.presence import alive
from server.rollout.reading import Reading


def facts_of(model: str, reading: Reading) -> dict[str, Any]:
    held, state = reading.held, reading.state
    living = alive(reading.fleet, held.now_ms)
    return {
        "model": model,
        "revision": held.revision,
        "since_ms": held.since_ms,
        "now_ms": held.now_ms,
        "state": msgspec.json.decode(state.encode()),
        "share": state.share,
        "fleet": {
            name: msgspec.to_builtins(each) | {"is_alive": name in living}
            for name, each in reading.fleet.items()
        },
        "verdict": msgspec.to_builtins(reading.verdict),
    }
