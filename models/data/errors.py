"""What can be wrong with somebody's data.

DataError
├── LogUnreadable     a folder or file of a log is missing, or is not of the format
├── LogInvalid        a table breaks a rule of the format; names file, column, value and remedy
├── SourceInvalid     a data source is unknown, or its files are missing or malformed
└── MappingInvalid    a column mapping does not fit its files
"""


class DataError(Exception):
    """The message names the thing, the value and the remedy."""


class LogUnreadable(DataError):
    pass


class LogInvalid(DataError):
    pass


class SourceInvalid(DataError):
    pass


class MappingInvalid(DataError):
    pass
