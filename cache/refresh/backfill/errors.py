"""What can go wrong in a backfill.

BackfillError
├── UsersInvalid          the users' file cannot be read, or names nobody
├── CandidatesInvalid     the candidates' file cannot be read, or lacks a column
├── ContextInvalid        --context is not about a context column of the teacher, or lacks one
├── OptionInvalid         an option that the policy does not take, or needs, or one out of bounds
├── TooManyBlocks         more blocks than a progress folder holds
├── JobDiffers            the progress folder is another job's
├── ProgressUnavailable   the progress folder cannot be read or written
├── RayUnavailable        Ray is not installed, or there is no cluster at the address
├── WorkersFailed         a worker cannot begin, or Ray lost them
└── PagesContended        somebody keeps writing the same page
"""

from cache.errors import CacheError


class BackfillError(CacheError):
    pass


class UsersInvalid(BackfillError):
    pass


class CandidatesInvalid(BackfillError):
    pass


class ContextInvalid(BackfillError):
    pass


class OptionInvalid(BackfillError):
    pass


class TooManyBlocks(BackfillError):
    pass


class JobDiffers(BackfillError):
    pass


class ProgressUnavailable(BackfillError):
    pass


class RayUnavailable(BackfillError):
    pass


class WorkersFailed(BackfillError):
    pass


class PagesContended(BackfillError):
    pass
