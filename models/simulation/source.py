"""What a simulation replays, of a run or of any log, and what its page says of it."""

from pathlib import Path
from typing import Final, NamedTuple

from models.data.causal import Replay
from models.data.log import Log
from models.data.sources import open_source
from models.run_folder import RunRecord
from models.simulation.scores import item_rates, student_scores
from models.simulation.trace_of_log import first_ms, trace_of
from models.speculation.trace import Trace

LOGGED: Final = "Candidates are the lists that the log holds."
RETRIEVED: Final = (
    "The log holds no candidate lists; these are invented by two retrieval channels that learn "
    "from the past alone: items seen together with the user's last ones, and the most shown ones."
)


class Source(NamedTuple):
    trace: Trace
    kind: str
    option: str  # of the command, without a path
    provenance: str
    lists: str


def source_of_run(run: Path) -> Source:
    """From validation on, by its own student. Raises RunFolderInvalid, DataError, LogUnsuited."""
    replay = Replay.of(Log.read(Path(RunRecord.read(run, ("student",)).log)))
    trace = trace_of(replay, student_scores(run), replay.log.periods.validation_from_ms)
    return _source(replay, trace, "run", "--run RUN")


def source_of_data(data: str) -> Source:
    """By the items' own rates. Raises DataError, LogUnsuited."""
    replay = Replay.of(open_source(data))
    trace = trace_of(replay, item_rates, first_ms(replay))
    kind, _, rest = data.partition(":")
    named = data if "=" in rest or not rest else f"{kind}:PATH"
    return _source(replay, trace, kind, f"--data {named}")


def _source(replay: Replay, trace: Trace, kind: str, option: str) -> Source:
    lists = RETRIEVED if replay.log.requests is None else LOGGED
    return Source(trace, kind, option, replay.log.provenance, lists)
