"""What can go wrong with guardrails.

GuardrailsError
├── SumsUnreadable   bytes that are not sums, or those of another version
├── CountRefused     what was to be counted is outside its range
└── MarksMissing     a page has no place for the table that is to be written into it
"""


class GuardrailsError(ValueError):
    pass


class SumsUnreadable(GuardrailsError):
    pass


class CountRefused(GuardrailsError):
    pass


class MarksMissing(GuardrailsError):
    pass
