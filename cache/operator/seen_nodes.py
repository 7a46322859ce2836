"""What a Valkey node says of the nodes that it knows: CLUSTER NODES."""

from typing import NamedTuple


class Seen(NamedTuple):
    name: str
    bus_port: int
    is_self: bool
    master: str  # that it follows; empty of a master
    is_connected: bool
    slots: tuple[range, ...]


def read_nodes(told: str) -> list[Seen]:
    return [_read(line.split()) for line in told.splitlines() if line.strip()]


def _read(words: list[str]) -> Seen:
    name, address, flags, master, _, _, _, link, *slots = words
    bus_port = address.split(",")[0].rpartition("@")[2]
    is_self = "myself" in flags.split(",")
    return Seen(
        name,
        int(bus_port),
        is_self,
        "" if master == "-" else master,
        is_self or link == "connected",
        # In brackets: slots that are on their way, counted where they are still served.
        tuple(_range(part) for part in slots if not part.startswith("[")),
    )


def _range(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)
