"""`--value click=1,conversion=0.5` → the manifest's formula."""

import math

from export.errors import ValueOptionInvalid
from models.manifest import ValueFormula


def parse_formula(text: str) -> ValueFormula:
    """Raises ValueOptionInvalid. Whether the tasks exist is for the manifest to say."""
    powers: dict[str, float] = {}
    for part in text.split(","):
        task, _, power = part.strip().partition("=")
        if not task or task in powers:
            raise _invalid(text)
        powers[task] = _power(power or "1", text)
    return ValueFormula(powers=powers)


def _power(text: str, whole: str) -> float:
    try:
        power = float(text)
    except ValueError:
        raise _invalid(whole) from None
    if not math.isfinite(power):
        raise _invalid(whole)
    return power


def _invalid(text: str) -> ValueOptionInvalid:
    return ValueOptionInvalid(
        f"--value {text!r} is no formula: give each task once with its power, "
        "as click=1,conversion=0.5"
    )
