"""What can be wrong with a simulation; the message names the thing, the value and the remedy.

SimulationError
├── CoverageUnreachable  no budget brings what was aimed at
└── LogUnsuited          a log that cannot be replayed as asked
"""

from models.speculation.errors import SpeculationError


class SimulationError(SpeculationError):
    pass


class CoverageUnreachable(SimulationError):
    pass


class LogUnsuited(SimulationError):
    pass
