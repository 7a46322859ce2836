"""What ends a ship other than its rollout.

ShipError
├── Refused      options contradict, another ship or rollout is running, or the new student is worse
├── StepFailed   a command ended with an error; run again, the ship goes on there
├── NothingNew   too little was labelled since the last ship
└── Forgotten    the history no longer knows the rollout: nobody can tell how it ends
"""


class ShipError(Exception):
    """The message names the thing, the value and the remedy."""


class Refused(ShipError):
    pass


class StepFailed(ShipError):
    pass


class NothingNew(ShipError):
    pass


class Forgotten(ShipError):
    pass
