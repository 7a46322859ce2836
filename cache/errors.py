"""What can go wrong in the cache.

CacheError
├── StoreUnavailable      the server does not answer, answers an error, or no connection is free
├── TeacherUnavailable    the teacher is elsewhere, and does not answer there
├── TeacherHung           a run of the teacher does not come back, and only the process's end helps
├── UrlInvalid            the address is not one that a client could connect to
├── LogsInvalid           the environment asks for a log that there is none of
├── NotConfirmed          an operator would delete, and has not said that it is meant
├── SpaceUnknown          no page and no demand of that space
├── UserUnknown           no record and no page of that user
├── ShardsDiffer          a process wants another number of shards than the space has
├── Corrupt               bytes that are not what their key says
│   ├── PageCorrupt
│   ├── RecordCorrupt
│   └── MessageCorrupt    of a stream or of the item table
└── EmbeddedError
    ├── FolderInUse       a live server already owns the data folder
    └── StartFailed       the server ended, or did not answer in time
"""


class CacheError(Exception):
    pass


class StoreUnavailable(CacheError):
    pass


class TeacherUnavailable(CacheError):
    pass


class TeacherHung(CacheError):
    pass


class UrlInvalid(CacheError):
    pass


class LogsInvalid(CacheError):
    pass


class NotConfirmed(CacheError):
    pass


class SpaceUnknown(CacheError):
    pass


class UserUnknown(CacheError):
    pass


class ShardsDiffer(CacheError):
    pass


class Corrupt(CacheError):
    pass


class PageCorrupt(Corrupt):
    pass


class RecordCorrupt(Corrupt):
    pass


class MessageCorrupt(Corrupt):
    pass


class EmbeddedError(CacheError):
    pass


class FolderInUse(EmbeddedError):
    pass


class StartFailed(EmbeddedError):
    pass
