"""One row of a measured table, where others were measured by other commands at other times."""

from pathlib import Path

from loadtest.marked import MarksMissing, fill


def set_row(path: Path, mark: str, cells: list[str]) -> None:
    """In place of the row whose first cell is the same, or below the last. Raises MarksMissing."""
    opened, closed = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    page = path.read_text(encoding="utf-8")
    if opened not in page or closed not in page:
        raise MarksMissing(f"{path} has no {opened} … {closed} to write between")
    lines = page.partition(opened)[2].partition(closed)[0].strip().splitlines()
    own = [place for place, line in enumerate(lines) if line.startswith(f"| {cells[0]} |")]
    row = f"| {' | '.join(cells)} |"
    if own:
        lines[own[0]] = row
    else:
        lines.append(row)
    fill(path, mark, "\n".join(lines))
