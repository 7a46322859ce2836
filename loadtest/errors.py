"""LoadTestError
├── GatewayUnreachable   no connection, or it closed before the answer was whole
├── AnswerUnreadable     the bytes that came back are not an HTTP answer that we understand
├── ReplayInvalid        the requests to replay are missing or not in the format
├── StepFailed           a step of the demo ended with an error
└── ProcessMissing       a process that should be running is not
"""


class LoadTestError(Exception):
    """The message names the thing, the value and the remedy."""


class GatewayUnreachable(LoadTestError):
    pass


class AnswerUnreadable(LoadTestError):
    pass


class ReplayInvalid(LoadTestError):
    pass


class StepFailed(LoadTestError):
    pass


class ProcessMissing(LoadTestError):
    pass
