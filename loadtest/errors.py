"""LoadTestError
├── GatewayUnreachable   no connection, or it closed before the answer was whole
├── AnswerUnreadable     the bytes that came back are not an HTTP answer that we understand
├── ReplayInvalid        the requests to replay are missing or not in the format
├── ScenarioInvalid      no scenario of that name, or its file is not in the format
├── BudgetInvalid        a budget names what does not exist, or no number
├── LoadInvalid          options that contradict each other
├── ReportMissing        no run left its report there
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


class ScenarioInvalid(LoadTestError):
    pass


class BudgetInvalid(LoadTestError):
    pass


class LoadInvalid(LoadTestError):
    pass


class ReportMissing(LoadTestError):
    pass


class StepFailed(LoadTestError):
    pass


class ProcessMissing(LoadTestError):
    pass
