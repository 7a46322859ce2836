"""What can be wrong with speculation; the message names the thing, the value and the remedy.

SpeculationError
├── TraceInvalid   arrays that are no log of requests in time order
└── PolicyUnknown  no policy of that name
"""


class SpeculationError(Exception):
    pass


class TraceInvalid(SpeculationError):
    pass


class PolicyUnknown(SpeculationError):
    pass
