"""Run as a script: becomes the given command, and dies when the parent does, however it dies.

    python lifeline.py PARENT_PID COMMAND [ARGUMENT …]

The kernel sends the signal (prctl(2), PR_SET_PDEATHSIG) and keeps the wish across exec. It goes by
the parent's *thread*: start the command from one that lives as long as the process.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent ended before its child began")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
