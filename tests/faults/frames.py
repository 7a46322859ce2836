"""RESP2 values as they stand on the wire: cut apart, named, and damaged."""

from collections.abc import Iterator
from random import Random
from typing import Final

END: Final = b"\r\n"


class Frames:
    """Cuts a stream of bytes into whole values, which are commands or replies."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        self._held += data
        frames, at = [], 0
        while (end := frame_end(self._held, at)) is not None:
            frames.append(self._held[at:end])
            at = end
        self._held = self._held[at:]
        return frames


def frame_end(data: bytes, at: int) -> int | None:
    """Where the value that begins at `at` ends; None while it is not whole."""
    left = 1
    while left:
        line = data.find(END, at)
        if line < 0:
            return None
        kind, number, at = data[at : at + 1], data[at + 1 : line], line + len(END)
        left -= 1
        if kind == b"*":
            left += max(int(number), 0)
        elif kind == b"$" and int(number) >= 0:
            at += int(number) + len(END)
    return at if at <= len(data) else None


def bulk_strings(frame: bytes) -> Iterator[tuple[int, int]]:
    """Where the bytes of each bulk string begin and end, the empty ones left out."""
    at = 0
    while at < len(frame):
        line = frame.index(END, at)
        kind, number, at = frame[at : at + 1], frame[at + 1 : line], line + len(END)
        if kind == b"$" and int(number) >= 0:
            if int(number):
                yield at, at + int(number)
            at += int(number) + len(END)


def command_of(frame: bytes) -> bytes:
    """The name of a command, in capitals."""
    begin, end = next(bulk_strings(frame))
    return frame[begin:end].upper()


def flipped(frame: bytes, random: Random) -> bytes:
    """One bit of each bulk string is another."""
    damaged = bytearray(frame)
    for begin, end in bulk_strings(frame):
        damaged[random.randrange(begin, end)] ^= 1 << random.randrange(8)
    return bytes(damaged)
