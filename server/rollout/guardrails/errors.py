"""What can go wrong with guardrails.

GuardrailsError
├── SumsUnreadable   bytes that are not sums, or those of another version
└── CountRefused     what was to be counted is outside its range
"""


class GuardrailsError(ValueError):
    pass


class SumsUnreadable(GuardrailsError):
    pass


class CountRefused(GuardrailsError):
    pass
