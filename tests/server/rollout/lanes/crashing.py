"""Run in place of a trial: `python -m tests.server.rollout.lanes.crashing CANDIDATE STABLE`, where
the candidate's name says how it ends."""

import ctypes
import sys
import time
from pathlib import Path

how = Path(sys.argv[1]).name
if how == "crash":
    ctypes.string_at(0)
elif how == "hang":
    time.sleep(60.0)
elif how == "raise":
    raise MemoryError("no more")
elif how == "talk":
    for _ in range(2_000):
        sys.stdout.write("x" * 1_000 + "\n")
    sys.stdout.write('{"reason": "said at the end"}\n')
elif how == "mumble":
    sys.stdout.write("what is this\n")
