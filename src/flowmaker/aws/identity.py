"""The seam between AWS services and whoever knows who may what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from flowmaker.aws.service import Need, Principal


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionCredentials:
    """Temporary credentials of an assumed role."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime
    principal: Principal

    def environment(self) -> dict[str, str]:
        """As the variables that every AWS SDK reads."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


class Authorizer(Protocol):
    """Decides whether a principal may, by all the policies that apply, as IAM does."""

    async def check(self, principal: Principal, needs: Iterable[Need], *, region: str = "") -> None:
        """Nothing when all is allowed.

        Raises:
            AwsError: AccessDenied in AWS's words, with the statement that is missing.
        """
        ...

    async def allowed(self, principal: Principal, need: Need, *, region: str = "") -> bool: ...


class Sessions(Protocol):
    """Sessions of roles, for what the server itself starts on a role's behalf."""

    async def for_service(
        self, role_arn: str, service: str, session_name: str, *, account: str, seconds: int = 43200
    ) -> SessionCredentials:
        """Assume `role_arn` as the service principal `service` (`sagemaker.amazonaws.com`).

        It is for what `account` has asked for.

        Raises:
            AwsError: the account has no such role, or its trust policy does not name the service.
        """
        ...
