"""The 32 bits with which a stored value proves that it is whole."""

import xxhash


def checksum(data: bytes) -> int:
    """Of all bytes but 4 to 7, which hold it: XXH3-64 of what follows them, seeded with what
    precedes them (u32), its low half. A tenth of CRC-32's time on a page."""
    before = int.from_bytes(data[:4], "little")
    return xxhash.xxh3_64_intdigest(memoryview(data)[8:], before) & 0xFFFFFFFF
