"""What the first account has from its first day: root keys, an admin role, the worker's role."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from flowmaker.aws.auth import managed_policies
from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.iam import new, sessions
from flowmaker.aws.iam.records import AccessKey, Role
from flowmaker.aws.iam.repository import credentials, entities, holdings
from flowmaker.aws.identity import SessionCredentials
from flowmaker.clock import Clock
from flowmaker.ids import ACCOUNT, arn
from flowmaker.store.database import Database, Transaction

ADMIN_ROLE = "FlowmakerAdmin"
#: As eksctl names the role of a cluster's nodes; the published tutorials search for it so.
WORKER_ROLE = "eksctl-flowmaker-nodegroup-NodeInstanceRole"
#: The session that `flowmaker env` hands out.
_ADMIN_SESSION = "flowmaker-env"
#: AWS ends every session after twelve hours. This one stands in files and shells that must work
#: tomorrow as well; whoever can read them can read the database, so that ending it guards nothing.
_ADMIN_LASTS = timedelta(days=3650)
#: A kept session is made anew when it has less than this left.
_ADMIN_SPARE = timedelta(days=365)

_WORKER_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEKS_CNI_Policy",
)
#: What the KFP launcher does with the bucket of artifacts.
_ARTIFACTS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "ObjectsOfPipelines",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": "arn:aws:s3:::mlpipeline*/*",
        },
        {
            "Sid": "BucketOfPipelines",
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
            "Resource": "arn:aws:s3:::mlpipeline*",
        },
    ],
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RootKeys:
    """The access key of an account's root user, who may everything in it."""

    access_key_id: str
    secret_access_key: str


async def bootstrap(database: Database, clock: Clock) -> RootKeys:
    """Make whatever is missing; what is there stays as people changed it."""
    spare = new.access_key(ACCOUNT, "", clock)
    key = await changes_of(database).write(_bootstrap, spare, clock.now())
    return RootKeys(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key)


async def admin_session(database: Database, clock: Clock) -> SessionCredentials:
    """The session of the admin role that this data folder's users share: the same each time."""
    return await database.write(_admin_session, clock.now())


def _bootstrap(tx: Transaction, spare: AccessKey, now: datetime) -> AccessKey:
    if entities.role(tx, ACCOUNT, ADMIN_ROLE) is None:
        entities.add_role(tx, _role(ADMIN_ROLE, _admin_trust(), now))
        policy_arn = f"{managed_policies.PREFIX}/AdministratorAccess"
        holdings.attach(tx, ACCOUNT, "role", ADMIN_ROLE, policy_arn)
    if entities.role(tx, ACCOUNT, WORKER_ROLE) is None:
        _add_worker(tx, now)
    keys = credentials.keys(tx, ACCOUNT, "")
    if not keys:
        credentials.add_key(tx, spare)
    return keys[0] if keys else spare


def _add_worker(tx: Transaction, now: datetime) -> None:
    """What the nodes of a cluster made by eksctl may, and what KFP needs of them."""
    trust = _trust({"Service": "ec2.amazonaws.com"})
    entities.add_role(tx, _role(WORKER_ROLE, trust, now))
    for name in _WORKER_POLICIES:
        policy_arn = f"{managed_policies.PREFIX}/{name}"
        if managed_policies.find(policy_arn) is not None:
            holdings.attach(tx, ACCOUNT, "role", WORKER_ROLE, policy_arn)
    text = json.dumps(_ARTIFACTS)
    holdings.put_inline(tx, ACCOUNT, "role", WORKER_ROLE, "kubeflow-pipelines-artifacts", text)


def _role(name: str, trust: str, now: datetime) -> Role:
    return Role(
        account=ACCOUNT,
        role_name=name,
        role_id=new.role_id(),
        path="/",
        trust_policy=trust,
        description="",
        max_session_duration=43200,
        boundary="",
        tags={},
        created_at=now,
    )


def _admin_trust() -> str:
    return _trust({"Service": "sagemaker.amazonaws.com", "AWS": arn("iam", "", ACCOUNT, "root")})


def _trust(principal: dict[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _admin_session(tx: Transaction, now: datetime) -> SessionCredentials:
    role = entities.role(tx, ACCOUNT, ADMIN_ROLE)
    if role is None:
        raise LookupError(f"the role {ADMIN_ROLE} is missing: bootstrap makes it")
    who = sessions.of_role(role, _ADMIN_SESSION)
    kept = credentials.kept_session(tx, _ADMIN_SESSION)
    # A role that was deleted and made again is another: its old sessions may nothing.
    if kept and kept.user_id == who.user_id and kept.expires_at > now + _ADMIN_SPARE:
        return sessions.as_credentials(kept)
    return sessions.issue(tx, who, now, _ADMIN_LASTS, purpose=_ADMIN_SESSION)
