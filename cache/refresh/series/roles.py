"""All series of the processes behind the cache."""

from collections.abc import Mapping
from typing import Final

from cache.refresh.series.kind import Series
from cache.refresh.series.measuring import NEIGHBOURS, WORTH
from cache.refresh.series.refresh import REFRESH
from cache.refresh.series.streams import ARCHIVE, INGEST

SERIES: Final[Mapping[str, Mapping[str, Series]]] = {
    "refresh": REFRESH,
    "ingest": INGEST,
    "archive": ARCHIVE,
    "worth": WORTH,
    "neighbours": NEIGHBOURS,
}
"""By role and name: `understudy_<role>_<name>`, with `_total` behind a counter."""


def full_name(role: str, name: str, series: Series) -> str:
    return f"understudy_{role}_{name}" + ("_total" if series.kind == "counter" else "")
