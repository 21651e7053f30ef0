"""Who and what a question about permissions means: names as people type them, made precise."""

from collections.abc import Iterable

from flowmaker.aws.ecr import repository as repositories
from flowmaker.aws.iam import sessions
from flowmaker.aws.iam.repository import accounts, entities
from flowmaker.aws.s3 import policies
from flowmaker.aws.service import Need, Principal
from flowmaker.errors import InvalidInput, NotFound
from flowmaker.ids import account_of, arn
from flowmaker.objects.index import buckets
from flowmaker.store.database import Transaction

#: The session in whose name a role is asked about.
_SESSION = "explain"
_S3 = "arn:aws:s3:::"
#: That separate the six parts of an ARN.
_COLONS = 5
_PASSED_TO = "iam:PassedToService"


def principal_of(tx: Transaction, account: str, text: str) -> Principal:
    """The principal that `NAME`, `user/NAME`, `role/NAME` or an ARN means.

    What is no ARN is of `account`.

    Raises:
        NotFound: there is none.
        InvalidInput: the name is that of a user and of a role.
    """
    account, resource = _in_account(tx, text, account)
    if resource == "root":
        return Principal(account=account, arn=arn("iam", "", account, "root"), user_id=account)
    first, slash, rest = resource.partition("/")
    kind = first if slash else ""
    name = rest.partition("/")[0] if kind == "assumed-role" else resource.rpartition("/")[2]
    user = entities.user(tx, account, name) if kind in ("", "user") else None
    role = entities.role(tx, account, name) if kind in ("", "role", "assumed-role") else None
    if user and role:
        raise InvalidInput(f"{name} is a user and a role: say user/{name} or role/{name}.")
    if user:
        return Principal(account=account, arn=user.arn, user_id=user.user_id)
    if role:
        return sessions.of_role(role, _SESSION)
    raise NotFound(f"There is no user or role {text!r}. Those there are: {_known(tx, account)}.")


def _in_account(tx: Transaction, text: str, account: str) -> tuple[str, str]:
    """The account of an ARN, and what it names within that; another text as it is."""
    if not text.startswith("arn:") or text.count(":") < _COLONS:
        return account, text
    *_, of, resource = text.split(":", _COLONS)
    known = [account, *(one.id for one in accounts.accounts(tx))]
    if of not in known:
        raise NotFound(f"{text} is of another account; those there are: {', '.join(known)}.")
    return of, resource


def need_of(
    tx: Transaction, account: str, action: str, resource: str, context: Iterable[str]
) -> Need:
    """What `ACTION RESOURCE` asks for, with the policy of the bucket, role or repository.

    The policy is as it counts for a caller of `account`.

    `s3://BUCKET/KEY` is the object's ARN; a role that is passed is passed to SageMaker, where
    the context does not say otherwise.

    Raises:
        InvalidInput: they are not what IAM calls an action, a resource, a condition key.
    """
    service, found, name = action.partition(":")
    if not found or not service or not name or "*" in action:
        raise InvalidInput(f"An action is SERVICE:NAME, as s3:GetObject; {action!r} is none.")
    if resource.startswith("s3://"):
        resource = _S3 + resource.removeprefix("s3://")
    if resource != "*" and resource.count(":") < _COLONS:
        raise InvalidInput(
            f"A resource is an ARN, s3://BUCKET/KEY, or * where the action has none; {resource!r} "
            "is none of them."
        )
    keys: dict[str, str | tuple[str, ...]] = {}
    for entry in context:
        key, equals, value = entry.partition("=")
        if not equals or ":" not in key:
            raise InvalidInput(f"A condition key is given as aws:Name=VALUE, not {entry!r}.")
        keys[key] = value
    if action.lower() == "iam:passrole":
        keys.setdefault(_PASSED_TO, "sagemaker.amazonaws.com")
    policy, owner = _policy_of(tx, account, action, resource)
    return Need(action=action, resource=resource, context=keys, resource_policy=policy, owner=owner)


def _policy_of(tx: Transaction, account: str, action: str, resource: str) -> tuple[str, str]:
    """The resource's own policy, and the account that owns the resource."""
    if resource.startswith(_S3):
        bucket = buckets.get(tx, resource.removeprefix(_S3).partition("/")[0])
        return (policies.in_force(bucket, account), bucket.owner) if bucket else ("", "")
    if action.lower() in ("sts:assumerole", "sts:tagsession", "sts:setsourceidentity"):
        role = entities.role_of_arn(tx, resource)
        return (role.trust_policy if role else ""), account_of(resource)
    if place := repositories.place_of(resource):
        found = repositories.find(tx, *place)
        return (found.policy if found else ""), account_of(resource)
    return "", ""


def _known(tx: Transaction, account: str) -> str:
    names = [f"user/{one.user_name}" for one in entities.users(tx, account, "/", "", 20)]
    names += [f"role/{one.role_name}" for one in entities.roles(tx, account, "/", "", 20)]
    return ", ".join(names)
