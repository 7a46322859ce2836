"""A command as it was typed, for the table that it fills."""

import sys

WRITE = "--write"


def as_typed(module: str) -> str:
    """Less the page: whoever reads it there knows."""
    words = sys.argv[1:]
    if WRITE in words:
        place = words.index(WRITE)
        words = words[:place] + words[place + 2 :]
    return f"python -m {' '.join([module, *words])}"
