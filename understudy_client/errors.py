"""What a call can end with other than its answer.

UnderstudyError
├── DeadlineExceeded     the time of the whole call ran out, here or (504) at the gateway
├── Unreachable          no connection, or it broke before the answer was whole
├── AnswerUnreadable     what came back is not an answer of this API
└── Refused              the gateway said no; also any status that has no name of its own
    ├── UnreadableBody   400
    ├── Unauthorized     401  the key is missing or another one
    ├── NotFound         404  no such model, or a route that is not served
    ├── BodyTooLarge     413
    ├── UnsupportedMedia 415
    ├── InvalidRequest   422  a field breaks its rule; also what is refused here, before it is sent
    ├── Shed             429  could not have been answered in time
    ├── Fault            500
    └── Unavailable      503  not ready, or what was sent was not stored
"""

from typing import Final


class UnderstudyError(Exception):
    """`field`, `value` and `remedy` as the gateway gave them (RFC 9457), None where it did not.

    `status` is None when no answer came.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        title: str | None = None,
        field: str | None = None,
        value: str | None = None,
        remedy: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.title = title
        self.field = field
        self.value = value
        self.remedy = remedy
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        field = " = ".join(filter(None, (self.field, self.value)))
        said = ": ".join(filter(None, (str(self.status or ""), field, self.detail)))
        return f"{said} ({self.remedy})" if self.remedy else said


class DeadlineExceeded(UnderstudyError):
    pass


class Unreachable(UnderstudyError):
    pass


class AnswerUnreadable(UnderstudyError):
    pass


class Refused(UnderstudyError):
    pass


class UnreadableBody(Refused):
    pass


class Unauthorized(Refused):
    pass


class NotFound(Refused):
    pass


class BodyTooLarge(Refused):
    pass


class UnsupportedMedia(Refused):
    pass


class InvalidRequest(Refused):
    pass


class Shed(Refused):
    pass


class Fault(Refused):
    pass


class Unavailable(Refused):
    pass


BY_STATUS: Final[dict[int, type[UnderstudyError]]] = {
    400: UnreadableBody,
    401: Unauthorized,
    404: NotFound,
    413: BodyTooLarge,
    415: UnsupportedMedia,
    422: InvalidRequest,
    429: Shed,
    500: Fault,
    503: Unavailable,
    504: DeadlineExceeded,
}
