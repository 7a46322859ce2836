"""A figure as a file that is the same whenever it is made of the same numbers."""

from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure


def save_svg(figure: Figure, path: Path) -> None:
    """Without a date or random names. Makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": "understudy"}):
        figure.savefig(path, metadata={"Date": None, "Creator": None})
