"""Whether Redis refuses a command for want of rights."""

from typing import Final

from redis.exceptions import NoPermissionError

MARKS: Final = ("NOPERM", "ACL failure in script")
"""How the server begins to say so. Within a script it has no code of its own."""
ASK_AS: Final = "give --redis with one that may: `operator` of docs/operations.md, Rights"


def is_refused(error: BaseException | None) -> bool:
    return isinstance(error, NoPermissionError) or str(error).startswith(MARKS)
