"""Access keys and permissions for tests of the AWS wire, held in memory."""

from collections.abc import Iterable
from datetime import datetime

from flowmaker.aws.auth.sigv4 import Key
from flowmaker.aws.errors import access_denied
from flowmaker.aws.service import Need, Principal

ACCOUNT = "000000000000"
ROOT = Principal(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT)
SESSION = Principal(
    account=ACCOUNT,
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/Worker/session",
    user_id="AROAWORKER:session",
)


class FakeKeys:
    """A KeyStore over a dictionary."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str | None], Key] = {}

    def add(
        self,
        access_key_id: str,
        secret: str,
        *,
        session_token: str | None = None,
        expires_at: datetime | None = None,
        status: str = "Active",
    ) -> None:
        self._keys[access_key_id, session_token] = Key(
            secret=secret,
            principal=SESSION if session_token else ROOT,
            expires_at=expires_at,
            status=status,
        )

    async def find(self, access_key_id: str, session_token: str | None) -> Key | None:
        return self._keys.get((access_key_id, session_token))


class FakeAuthorizer:
    """Allows everything but the actions that are forbidden, and remembers what was asked."""

    def __init__(self) -> None:
        self.forbidden: set[str] = set()
        self.asked: list[Need] = []

    async def check(self, principal: Principal, needs: Iterable[Need], *, region: str = "") -> None:
        for need in needs:
            self.asked.append(need)
            if not await self.allowed(principal, need, region=region):
                message = f"User: {principal.arn} is not authorized to perform: {need.action}"
                raise access_denied(message)

    async def allowed(self, principal: Principal, need: Need, *, region: str = "") -> bool:
        return need.action not in self.forbidden
