"""The STS service: every operation that there is, by name."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from flowmaker.aws.errors import access_denied
from flowmaker.aws.iam import refusals, sessions
from flowmaker.aws.iam.repository import credentials as stored
from flowmaker.aws.service import Answer, Call, Need, Operation
from flowmaker.aws.sts.assume_role import AssumeRole
from flowmaker.aws.sts.shapes import credentials
from flowmaker.clock import Clock
from flowmaker.ids import account_of
from flowmaker.store.database import Database

_SESSION_LASTS = 43200
#: The root user's sessions last an hour at most.
_ROOT_LASTS = 3600
_REFUSED = ("SerialNumber", "TokenCode")


class StsService:
    """AWS Security Token Service, for the gateway."""

    name = "sts"

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._assume_role = AssumeRole(database, clock)

    def operations(self) -> Mapping[str, Operation]:
        return {
            "AssumeRole": Operation(handler=self._assume_role, needs=self._assume_role.needs),
            "GetCallerIdentity": Operation(handler=self.caller_identity, needs=_nothing),
            "GetSessionToken": Operation(handler=self.session_token, needs=_nothing),
            "GetAccessKeyInfo": Operation(handler=self.access_key_info, needs=_key_info),
        }

    async def caller_identity(self, call: Call) -> Answer:
        """Needs no permission, not even one that is not denied."""
        who = call.principal
        return {"UserId": who.user_id, "Account": who.account, "Arn": who.arn}

    async def session_token(self, call: Call) -> Answer:
        for name in _REFUSED:
            if name in call.parameters:
                raise refusals.unsupported(f"{name} of GetSessionToken: there are no MFA devices")
        who = call.principal
        if not who.access_key_id.startswith("AKIA"):
            raise access_denied("Cannot call GetSessionToken with session credentials")
        most = _ROOT_LASTS if who.is_root else _SESSION_LASTS
        seconds = min(call.parameters.get("DurationSeconds", most), most)
        session = await self._database.write(
            sessions.issue, who, self._clock.now(), timedelta(seconds=seconds)
        )
        return {"Credentials": credentials(session)}

    async def access_key_info(self, call: Call) -> Answer:
        """The account of a key; as with AWS, not whether it is still in use."""
        key_id: str = call.parameters["AccessKeyId"]
        key = await self._database.read(stored.key, key_id)
        session = await self._database.read(stored.session, key_id)
        if key is not None:
            return {"Account": key.account}
        if session is not None:
            return {"Account": account_of(session.principal_arn)}
        raise refusals.validation(f"Flowmaker knows no access key {key_id}.")


async def _nothing(call: Call) -> Iterable[Need]:
    del call
    return ()


async def _key_info(call: Call) -> Iterable[Need]:
    del call
    return [Need(action="sts:GetAccessKeyInfo")]
