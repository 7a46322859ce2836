"""What a caller can be refused for, each with its status.

ServingError
├── Unreadable          400  the body is not JSON or MessagePack
├── Malformed           400  the bytes are not HTTP/1.1
├── Unauthorized        401  an admin route without its token, or ranking without a key
├── UnknownModel        404  another model is served here
├── RequestTimeout      408  head and body did not come in within their time
├── RolloutRefused      409  what is asked cannot be done in this state of the rollout
├── BodyTooLarge        413
├── UnsupportedMedia    415  the Content-Type is neither
├── InvalidRequest      422  a field breaks its rule
├── Overloaded          429  could not have been answered in time: retry elsewhere or later
├── QuotaExceeded       429  more candidates than the caller's key may rank: retry later
├── HeadTooLarge        431
├── NotReady            503  no verified bundle, or not warm yet
├── TooManyConnections  503  another would be above what the process holds
├── EventsUnavailable   503  the events were not stored: send them again
├── ItemsUnavailable    503  the items were not stored: send them again
├── RolloutUnavailable  503  the state of rollouts cannot be read or written now
├── RegistryAway        503  the registry cannot be read now
└── DeadlineExceeded    504  the caller's deadline passed before the model had run

A cache failure is none of these: it degrades the answer.
"""

from typing import ClassVar


class ServingError(Exception):
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        remedy: str | None = None,
        field: str | None = None,
        value: object = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.field = field
        self.value = value
        self.retry_after_s = retry_after_s


class Unreadable(ServingError):
    status = 400
    title = "Unreadable body"


class Malformed(ServingError):
    status = 400
    title = "Malformed request"


class Unauthorized(ServingError):
    status = 401
    title = "Unauthorized"


class UnknownModel(ServingError):
    status = 404
    title = "Unknown model"


class RequestTimeout(ServingError):
    status = 408
    title = "Request timeout"


class RolloutRefused(ServingError):
    status = 409
    title = "Rollout refused"


class BodyTooLarge(ServingError):
    status = 413
    title = "Body too large"


class UnsupportedMedia(ServingError):
    status = 415
    title = "Unsupported media type"


class InvalidRequest(ServingError):
    status = 422
    title = "Invalid request"


class Overloaded(ServingError):
    status = 429
    title = "Overloaded"


class QuotaExceeded(ServingError):
    status = 429
    title = "Quota exceeded"


class HeadTooLarge(ServingError):
    status = 431
    title = "Request header fields too large"


class NotReady(ServingError):
    status = 503
    title = "Not ready"


class TooManyConnections(ServingError):
    status = 503
    title = "Too many connections"


class EventsUnavailable(ServingError):
    status = 503
    title = "Events not stored"


class ItemsUnavailable(ServingError):
    status = 503
    title = "Items not stored"


class RolloutUnavailable(ServingError):
    status = 503
    title = "Rollout not changed"


class RegistryAway(ServingError):
    status = 503
    title = "Registry not read"


class DeadlineExceeded(ServingError):
    status = 504
    title = "Deadline exceeded"
