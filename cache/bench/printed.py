"""What a measurement prints: lines, and tables as Markdown has them."""

import sys
from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for row in (head, ["---"] * len(head), *rows):
        say("| " + " | ".join(row) + " |")
    say("")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
