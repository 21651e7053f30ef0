"""Records as IAM's answers show them."""

from typing import Any
from urllib.parse import quote

from flowmaker.aws.iam.records import AccessKey, Group, InstanceProfile, ManagedPolicy, Role, User


def user(found: User, *, listed: bool = False) -> dict[str, Any]:
    """A list shows neither boundary nor tags, as IAM documents it."""
    shape = {
        "Path": found.path,
        "UserName": found.user_name,
        "UserId": found.user_id,
        "Arn": found.arn,
        "CreateDate": found.created_at,
    }
    return shape if listed else shape | _boundary(found.boundary) | _tags(found.tags)


def group(found: Group) -> dict[str, Any]:
    return {
        "Path": found.path,
        "GroupName": found.group_name,
        "GroupId": found.group_id,
        "Arn": found.arn,
        "CreateDate": found.created_at,
    }


def role(found: Role, *, listed: bool = False) -> dict[str, Any]:
    shape = {
        "Path": found.path,
        "RoleName": found.role_name,
        "RoleId": found.role_id,
        "Arn": found.arn,
        "CreateDate": found.created_at,
        "AssumeRolePolicyDocument": document(found.trust_policy),
        "Description": found.description or None,
        "MaxSessionDuration": found.max_session_duration,
    }
    return shape if listed else shape | _boundary(found.boundary) | _tags(found.tags)


def instance_profile(
    found: InstanceProfile, having: Role | None, *, listed: bool = False
) -> dict[str, Any]:
    shape = {
        "Path": found.path,
        "InstanceProfileName": found.instance_profile_name,
        "InstanceProfileId": found.instance_profile_id,
        "Arn": found.arn,
        "CreateDate": found.created_at,
        "Roles": [role(having, listed=True)] if having else [],
    }
    return shape if listed else shape | _tags(found.tags)


def policy(
    found: ManagedPolicy, attachments: int, boundaries: int, *, listed: bool = False
) -> dict[str, Any]:
    shape = {
        "PolicyName": found.policy_name,
        "PolicyId": found.policy_id,
        "Arn": found.arn,
        "Path": found.path,
        "DefaultVersionId": f"v{found.default_version}",
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": True,
        "CreateDate": found.created_at,
        "UpdateDate": found.updated_at,
    }
    return (
        shape if listed else shape | {"Description": found.description or None} | _tags(found.tags)
    )


def key(found: AccessKey) -> dict[str, Any]:
    return {
        "UserName": found.user_name or None,
        "AccessKeyId": found.access_key_id,
        "Status": found.status,
        "CreateDate": found.created_at,
    }


def document(text: str) -> str:
    """A policy as IAM writes it into answers: percent-encoded as RFC 3986 has it."""
    return quote(text, safe="")


def tags(of: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in sorted(of.items())]


def _tags(of: dict[str, str]) -> dict[str, Any]:
    return {"Tags": tags(of)} if of else {}


def _boundary(arn: str) -> dict[str, Any]:
    if not arn:
        return {}
    return {
        "PermissionsBoundary": {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": arn,
        }
    }
