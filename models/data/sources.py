"""Where a log can come from, as one text: `adworld:…`, `kuairand:PATH`, `recbole:PATH`, ….

What each reader needs is imported when it is asked for.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from models.data.adworld.world import make_log
from models.data.atomic import read_atomic
from models.data.errors import SourceInvalid
from models.data.kuairand import read_kuairand
from models.data.log import Log
from models.data.mapping import read_mapping
from models.data.served.reading import read_served
from models.data.statistics import fitted

MIN_IMPRESSIONS: Final = 1_000


def open_source(text: str) -> Log:
    """A valid log. Raises DataError."""
    kind, _, rest = text.partition(":")
    if kind == "adworld":
        return _adworld(rest).validate()
    if kind not in READERS:
        known = ", ".join(["adworld[:impressions=N,seed=N]", *(f"{name}:PATH" for name in READERS)])
        raise SourceInvalid(f"{text!r} is no data source: use one of {known}")
    path = Path(rest)
    if not rest or not path.exists():
        raise SourceInvalid(f"{text!r}: there is nothing at {rest!r}: give a path after the colon")
    return READERS[kind](path).validate()


def _adworld(options: str) -> Log:
    numbers = {"impressions": 400_000, "seed": 0}
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        if name not in numbers or not value.isdigit():
            raise SourceInvalid(f"adworld option {option!r}: use impressions=N or seed=N")
        numbers[name] = int(value)
    if numbers["impressions"] < MIN_IMPRESSIONS:
        raise SourceInvalid(
            f"adworld impressions={numbers['impressions']}: ask for {MIN_IMPRESSIONS} or more"
        )
    return make_log(**numbers)


def _read_log(folder: Path) -> Log:
    """A log written by hand may leave its columns' statistics to this."""
    return fitted(Log.load(folder))


READERS: Final[dict[str, Callable[[Path], Log]]] = {
    "kuairand": read_kuairand,
    "recbole": read_atomic,
    "mapping": read_mapping,
    "served": read_served,
    "log": _read_log,
}
