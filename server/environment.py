"""Settings from the environment, where a slip of the pen is refused."""

import difflib
import os
from collections.abc import Mapping
from typing import Any, Final

from server.settings import PREFIX, Settings

OF_OTHERS: Final = frozenset({f"{PREFIX}PAGE_ENTRIES"})
"""Read by refreshers alone, who may share an environment with gateways."""


class UnknownSetting(Exception):
    """The environment names a setting that does not exist: probably a slip of the pen."""


def load_settings(**overrides: Any) -> Settings:
    """Settings of this process. Raises UnknownSetting, or pydantic's ValidationError.

    Overrides (the command line's) win over the environment; None overrides nothing.
    """
    check_names(os.environ)
    return Settings(**{name: value for name, value in overrides.items() if value is not None})


def check_names(environment: Mapping[str, str]) -> None:
    valid = {PREFIX + name.upper() for name in Settings.model_fields} | OF_OTHERS
    for name in environment:
        if name.upper().startswith(PREFIX) and name.upper() not in valid:
            near = difflib.get_close_matches(name.upper(), valid, n=1, cutoff=0.0)
            raise UnknownSetting(
                f"{name} is not a setting: did you mean {near[0]}? "
                "`understudy settings` lists them all"
            )
