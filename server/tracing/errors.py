"""Why requests cannot be traced.

TracingError
└── TracingMissing  it is asked for, and the packages that it takes are not installed
"""


class TracingError(Exception):
    pass


class TracingMissing(TracingError):
    pass
