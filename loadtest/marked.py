"""Measured tables inside hand-written pages, between two marks."""

from pathlib import Path

from loadtest.errors import LoadTestError


class MarksMissing(LoadTestError):
    pass


def fill(path: Path, name: str, text: str) -> None:
    """Replaces what stands between `<!-- name -->` and `<!-- /name -->`. Raises MarksMissing."""
    page = path.read_text(encoding="utf-8")
    head, opened, rest = page.partition(f"<!-- {name} -->")
    _, closed, tail = rest.partition(f"<!-- /{name} -->")
    if not opened or not closed:
        raise MarksMissing(f"{path} has no <!-- {name} --> … <!-- /{name} --> to write between")
    path.write_text(f"{head}{opened}\n{text}\n{closed}{tail}", encoding="utf-8")
