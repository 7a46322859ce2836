"""What a rollout can be refused for.

RolloutError
├── PlanInvalid    a plan cannot be read, or breaks a rule
├── ActRefused     what was asked cannot be done in this state, or with this bundle
└── StateLost      Redis holds an earlier state than the one that is followed
"""


class RolloutError(Exception):
    """The message names the thing, the value and the remedy."""


class PlanInvalid(RolloutError):
    pass


class ActRefused(RolloutError):
    pass
