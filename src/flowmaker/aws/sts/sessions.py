"""Sessions of roles, for what the server itself does on a role's behalf."""

from datetime import datetime, timedelta

from flowmaker.aws.auth.evaluate import Policies, Policy, Request, evaluate
from flowmaker.aws.auth.policy import Kind, parse
from flowmaker.aws.auth.principals import Caller
from flowmaker.aws.errors import AwsError, validation
from flowmaker.aws.iam import sessions
from flowmaker.aws.iam.records import Role
from flowmaker.aws.iam.repository import entities
from flowmaker.aws.identity import SessionCredentials
from flowmaker.clock import Clock
from flowmaker.ids import ACCOUNT, account_of, arn
from flowmaker.store.database import Database, Transaction

_EC2 = "ec2.amazonaws.com"
#: As long as the credentials that EC2 gives a node.
_WORKER_LASTS = 6 * 3600


class RoleSessions:
    """Implements `flowmaker.aws.identity.Sessions`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def for_service(
        self, role_arn: str, service: str, session_name: str, *, account: str, seconds: int = 43200
    ) -> SessionCredentials:
        if account_of(role_arn) != account:
            raise _no_such(role_arn)
        lasting = timedelta(seconds=seconds)
        now = self._clock.now()
        return await self._database.write(
            _assume, role_arn, service, session_name, now=now, lasting=lasting
        )

    async def for_worker(self, role_name: str, session_name: str) -> SessionCredentials:
        """What the metadata service of an EC2 instance with that role would give.

        The nodes that pipelines run on are the first account's.

        Raises:
            AwsError: there is no such role, or EC2 may not assume it.
        """
        role = await self._database.read(entities.role, ACCOUNT, role_name)
        role_arn = role.arn if role else arn("iam", "", ACCOUNT, f"role/{role_name}")
        return await self.for_service(
            role_arn, _EC2, session_name, account=ACCOUNT, seconds=_WORKER_LASTS
        )


def trusts(role: Role, service: str) -> bool:
    """Whether the role's trust policy lets a service assume it."""
    trust = Policy("trust", parse(role.trust_policy, Kind.TRUST))
    request = Request(caller=Caller(service=service), action="sts:AssumeRole")
    return evaluate(request, Policies(resource=trust)).allowed


def _assume(
    tx: Transaction,
    role_arn: str,
    service: str,
    session_name: str,
    *,
    now: datetime,
    lasting: timedelta,
) -> SessionCredentials:
    role = entities.role_of_arn(tx, role_arn)
    if role is None:
        raise _no_such(role_arn)
    if not trusts(role, service):
        raise validation(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
            f"principal '{service}' to assume the role: its trust policy must have "
            f'{{"Effect": "Allow", "Principal": {{"Service": "{service}"}}, '
            '"Action": "sts:AssumeRole"} (`aws iam update-assume-role-policy`).'
        )
    return sessions.issue(tx, sessions.of_role(role, session_name), now, lasting)


def _no_such(role_arn: str) -> AwsError:
    return validation(
        f"Could not assume role {role_arn}: there is no such role. `aws iam list-roles` lists "
        "those there are."
    )
