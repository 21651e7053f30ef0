"""Errors as AWS words them: a code that programs match on and a message that people read."""

from collections.abc import Mapping
from typing import Any


class AwsError(Exception):
    """An error of an AWS service: written to the wire in the form of the service's protocol."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:  # noqa: ANN401
        """`code` as in the service's model (`ValidationException`, `NoSuchKey` …).

        `members` are further members of the error's shape, e.g. `OriginalStatusCode`.
        """
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members
        #: Further headers of the answer, where the protocol has them.
        self.headers: Mapping[str, str] = {}

    def telling(self, **headers: str) -> "AwsError":
        """The same, with headers: `x_amz_version_id` is `x-amz-version-id`."""
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self


def validation(message: str) -> AwsError:
    """What was sent is wrong, as JSON services say it."""
    return AwsError("ValidationException", message)


def access_denied(message: str) -> AwsError:
    """The caller may not. IAM's, STS's and S3's code is AccessDenied; the codec knows."""
    return AwsError("AccessDeniedException", message, 403)
