"""What can go wrong in the cache.

CacheError
├── StoreUnavailable      the server does not answer, answers an error, or no connection is free
├── UrlInvalid            the address is not one that a client could connect to
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


class UrlInvalid(CacheError):
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
