"""Permission for each call: the caller's policies, the request's context, one decision."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from flowmaker.aws.auth import repository
from flowmaker.aws.auth.denials import denial
from flowmaker.aws.auth.evaluate import Decision, Policies, Policy, Request, evaluate
from flowmaker.aws.auth.explain import Explanation, explain
from flowmaker.aws.auth.observations import Observations
from flowmaker.aws.auth.policy import Kind, parse
from flowmaker.aws.auth.principals import Caller
from flowmaker.aws.auth.standing import Standing, Standings
from flowmaker.aws.service import Need, Principal
from flowmaker.clock import Clock
from flowmaker.store.database import Database

#: A key's last use is written down this often at most.
_USE_NOTED_EVERY = timedelta(minutes=1)
#: What the root user has: no policy, but all rights in the account. They end where a resource is
#: another account's, and where its own policy denies.
_ROOT = Standing(
    arn="",
    unique_id="",
    identity=(
        Policy(
            "root",
            parse('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'),
        ),
    ),
)
#: What a role's trust policy decides.
_OF_ROLES = ("sts:assumerole", "sts:tagsession", "sts:setsourceidentity")
#: What a bucket's policy cannot deny to the root user of its account, who could not mend it else.
_MENDING = frozenset({"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"})


class PolicyAuthorizer:
    """Implements `flowmaker.aws.identity.Authorizer` by IAM's policies."""

    def __init__(
        self, database: Database, clock: Clock, observations: Observations | None = None
    ) -> None:
        """With `observations` it is remembered what was asked of `check`."""
        self._database = database
        self._clock = clock
        self._observations = observations
        self._standings = Standings(database)
        self._noted: dict[str, datetime] = {}

    async def check(self, principal: Principal, needs: Iterable[Need], *, region: str = "") -> None:
        for need in needs:
            await self._note_use(principal, need, region)
            decision = await self.decide(principal, need, region=region)
            if self._observations is not None and not principal.is_root:
                self._observations.note(principal, need, decision)
            if not decision.allowed:
                raise denial(principal, need, decision)

    async def allowed(self, principal: Principal, need: Need, *, region: str = "") -> bool:
        return (await self.decide(principal, need, region=region)).allowed

    async def decide(self, principal: Principal, need: Need, *, region: str = "") -> Decision:
        """The decision, and which policy made it."""
        return evaluate(*await self._question(principal, need, region))

    async def explain(self, principal: Principal, need: Need, *, region: str = "") -> Explanation:
        """The decision, and every statement that speaks of the action."""
        return explain(*await self._question(principal, need, region))

    async def _question(
        self, principal: Principal, need: Need, region: str
    ) -> tuple[Request, Policies]:
        standing = await self._standing(principal)
        request = Request(
            caller=Caller(
                account=principal.account,
                arn=principal.arn,
                role_arn=standing.arn if standing and principal.role_name else "",
            ),
            action=need.action,
            resource=need.resource,
            context=self._context(principal, standing, need, region),
            owner=need.account,
        )
        return request, _policies(principal, standing, need)

    async def _standing(self, principal: Principal) -> Standing | None:
        """Nothing when there is no such user or role any more, be there a new one of its name."""
        if principal.is_root:
            return replace(_ROOT, arn=principal.arn, unique_id=principal.user_id)
        kind, name = "role", principal.role_name
        if not name:
            kind, name = "user", principal.user_name
        if not name:
            return None
        standing = await self._standings.of(principal.account, kind, name)
        unique_id = principal.user_id.partition(":")[0]
        return standing if standing is not None and standing.unique_id == unique_id else None

    def _context(
        self, principal: Principal, standing: Standing | None, need: Need, region: str
    ) -> Mapping[str, tuple[str, ...]]:
        """The global condition keys, then those of the need, which know better."""
        now = self._clock.now()
        context: dict[str, tuple[str, ...]] = {
            "aws:currenttime": (now.isoformat(timespec="seconds"),),
            "aws:epochtime": (str(int(now.timestamp())),),
            # What never leaves the machine cannot be overheard: as if it came by TLS.
            "aws:securetransport": ("true",),
            "aws:viaawsservice": ("false",),
            "aws:principalisawsservice": ("false",),
            "aws:principaltype": (_type(principal),),
            "aws:resourceaccount": (need.account or principal.account,),
        }
        if region:
            context["aws:requestedregion"] = (region,)
        if principal.arn:
            context["aws:principalarn"] = (standing.arn if standing else principal.arn,)
            context["aws:principalaccount"] = (principal.account,)
            context["aws:userid"] = (principal.user_id,)
        if principal.user_name:
            context["aws:username"] = (principal.user_name,)
        if principal.access_key_id.startswith("ASIA"):
            context["aws:multifactorauthpresent"] = ("false",)
        for key, value in (standing.tags if standing else {}).items():
            context[f"aws:principaltag/{key}".lower()] = (value,)
        context |= _of_session(principal)
        for key, value in need.context.items():
            context[key.lower()] = (value,) if isinstance(value, str) else tuple(value)
        return context

    async def _note_use(self, principal: Principal, need: Need, region: str) -> None:
        """For GetAccessKeyLastUsed; temporary credentials have none."""
        key = principal.access_key_id
        if not key.startswith("AKIA"):
            return
        now = self._clock.now()
        noted = self._noted.get(key)
        if noted is not None and now - noted < _USE_NOTED_EVERY:
            return
        self._noted[key] = now
        service = need.action.partition(":")[0]
        await self._database.write(repository.note_use, key, service, region, now)


def _policies(principal: Principal, standing: Standing | None, need: Need) -> Policies:
    kind = _kind(need.action.lower())
    resource = None
    is_mending = need.action.lower() in _MENDING and need.account == principal.account
    if need.resource_policy and not (principal.is_root and is_mending):
        resource = Policy(f"of {need.resource}", parse(need.resource_policy, kind))
    return Policies(
        identity=standing.identity if standing else (),
        boundary=standing.boundary if standing else None,
        session=tuple(Policy("of the session", parse(one)) for one in principal.session_policies),
        resource=resource,
    )


def _kind(action: str) -> Kind:
    """What the policy of the resource is the policy of; the action is in lower case."""
    if action.startswith("ecr:"):
        return Kind.REPOSITORY
    return Kind.TRUST if action.startswith(_OF_ROLES) else Kind.RESOURCE


def _of_session(principal: Principal) -> dict[str, tuple[str, ...]]:
    """What was said of a session when it was begun."""
    said = {f"aws:principaltag/{key}".lower(): (value,) for key, value in principal.session_tags}
    if principal.source_identity:
        said["aws:sourceidentity"] = (principal.source_identity,)
    return said


def _type(principal: Principal) -> str:
    if principal.is_root:
        return "Account"
    if principal.role_name:
        return "AssumedRole"
    return "User" if principal.user_name else "Anonymous"
