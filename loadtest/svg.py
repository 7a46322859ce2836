"""Plots as inline SVG that takes its ink from the page, light or dark."""

from collections.abc import Callable
from io import StringIO
from typing import Any, Final, ParamSpec

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK: Final = "#0a0b0c"  # stands for the page's own text colour
BARS: Final = {"p50": "#4c8fd6", "p95": "#e9b44c", "p99": "#d1603d"}
UNTOLD: Final = ("Creator", "Date", "Format", "Type")
STYLE: Final[Any] = {  # matplotlib's own type lists every name it has
    "svg.fonttype": "none",
    "svg.hashsalt": "understudy",
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

Drawn = ParamSpec("Drawn")


def styled(draw: Callable[Drawn, Figure]) -> Callable[Drawn, str]:
    """A function that draws a figure, as one that returns its SVG."""

    def drawing(*args: Drawn.args, **kwargs: Drawn.kwargs) -> str:
        with rc_context(STYLE):
            return svg(draw(*args, **kwargs))

    return drawing


def figure() -> tuple[Figure, Axes]:
    drawn = Figure(figsize=(7.5, 3.2), layout="constrained")
    return drawn, drawn.subplots()


def svg(figure: Figure) -> str:
    drawn = StringIO()
    figure.savefig(drawn, format="svg", transparent=True, metadata=dict.fromkeys(UNTOLD))
    text = drawn.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")
