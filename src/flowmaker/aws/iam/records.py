"""What IAM keeps, as the services see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flowmaker.ids import arn

#: What a policy can be attached to.
Kind = Literal["user", "role", "group"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account beside the first."""

    #: What the owner of the data folder calls it.
    name: str
    #: Twelve digits.
    id: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    account: str
    user_name: str
    user_id: str
    path: str
    #: ARN of the permissions boundary; empty for none.
    boundary: str
    tags: dict[str, str]
    created_at: datetime

    @property
    def arn(self) -> str:
        return arn("iam", "", self.account, f"user{self.path}{self.user_name}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Users who share policies."""

    account: str
    group_name: str
    group_id: str
    path: str
    created_at: datetime

    @property
    def arn(self) -> str:
        return arn("iam", "", self.account, f"group{self.path}{self.group_name}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    account: str
    role_name: str
    role_id: str
    path: str
    #: Who may assume it, as JSON text.
    trust_policy: str
    description: str
    #: Seconds.
    max_session_duration: int
    boundary: str
    tags: dict[str, str]
    created_at: datetime

    @property
    def arn(self) -> str:
        return arn("iam", "", self.account, f"role{self.path}{self.role_name}")


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceProfile:
    """What a machine of EC2 is given to have a role."""

    account: str
    instance_profile_name: str
    instance_profile_id: str
    path: str
    #: Empty until one is in it.
    role_name: str
    tags: dict[str, str]
    created_at: datetime

    @property
    def arn(self) -> str:
        name = f"instance-profile{self.path}{self.instance_profile_name}"
        return arn("iam", "", self.account, name)


@dataclass(frozen=True, kw_only=True, slots=True)
class ManagedPolicy:
    """A policy of the account's own that can be attached to several."""

    account: str
    policy_name: str
    policy_id: str
    arn: str
    path: str
    description: str
    tags: dict[str, str]
    #: Number of the version in force.
    default_version: int
    #: Number of the version made last: numbers are never used twice.
    last_version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyVersion:
    account: str
    policy_name: str
    version: int
    policy_text: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessKey:
    access_key_id: str
    account: str
    secret_access_key: str
    #: Empty for the root user.
    user_name: str
    #: `Active` or `Inactive`.
    status: str
    created_at: datetime
    last_used_at: datetime | None = None
    last_used_service: str = ""
    last_used_region: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Temporary credentials."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    principal_arn: str
    user_id: str
    session_policies: tuple[str, ...]
    #: Empty, or the name of the one session that the server keeps for itself.
    purpose: str
    created_at: datetime
    expires_at: datetime
    #: Session tags, and the keys of those that a further session takes over.
    tags: tuple[tuple[str, str], ...] = ()
    transitive: tuple[str, ...] = ()
    #: Who is behind the session, where that was said; empty if not.
    source_identity: str = ""
