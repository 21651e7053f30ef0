"""All managed policies as one list: the account's own and AWS's. It reads files: in a thread."""

from typing import Any

from flowmaker.aws.auth import managed_policies
from flowmaker.aws.auth.managed_policies import AwsPolicy
from flowmaker.aws.iam import refusals, shapes
from flowmaker.aws.iam.repository import entities, groups, holdings
from flowmaker.aws.iam.repository import policies as own
from flowmaker.aws.service import Parameters
from flowmaker.store.database import Transaction


def policy(tx: Transaction, account: str, arn: str) -> dict[str, Any]:
    """What GetPolicy says of it."""
    attachments, boundaries = _counts(tx, account, arn)
    found = own.policy(tx, account, arn)
    if found is not None:
        return shapes.policy(found, attachments, boundaries)
    aws = managed_policies.find(arn)
    if aws is None:
        raise refusals.no_such_policy(arn)
    return _aws(aws, attachments, boundaries)


def policies(tx: Transaction, account: str, wanted: Parameters) -> list[dict[str, Any]]:
    """What ListPolicies lists, before it is cut into pages."""
    attachments = holdings.attachment_counts(tx, account)
    boundaries = holdings.boundary_counts(tx, account)
    scope = wanted.get("Scope", "All")
    found: list[dict[str, Any]] = []
    if scope != "AWS":
        found += [
            shapes.policy(one, attachments.get(one.arn, 0), boundaries.get(one.arn, 0), listed=True)
            for one in own.policies(tx, account)
        ]
    if scope != "Local":
        found += [
            _aws(one, attachments.get(one.arn, 0), boundaries.get(one.arn, 0))
            for one in managed_policies.every()
        ]
    return [one for one in found if _wanted(one, wanted)]


def holders(tx: Transaction, account: str, arn: str) -> list[tuple[str, str, str]]:
    """Kind, name and id of whom a policy is attached to."""
    found: list[tuple[str, str, str]] = []
    for kind, name in holdings.holders(tx, account, arn):
        if kind == "user" and (user := entities.user(tx, account, name)):
            found.append((kind, name, user.user_id))
        elif kind == "role" and (role := entities.role(tx, account, name)):
            found.append((kind, name, role.role_id))
        elif kind == "group" and (group := groups.group(tx, account, name)):
            found.append((kind, name, group.group_id))
    return found


def _wanted(shape: dict[str, Any], wanted: Parameters) -> bool:
    if not shape["Path"].startswith(wanted.get("PathPrefix", "/")):
        return False
    attached, bounds = shape["AttachmentCount"], shape["PermissionsBoundaryUsageCount"]
    usage = {"PermissionsPolicy": attached, "PermissionsBoundary": bounds}
    filtered = wanted.get("PolicyUsageFilter")
    if filtered and not usage[filtered]:
        return False
    return not wanted.get("OnlyAttached") or bool(attached)


def _counts(tx: Transaction, account: str, arn: str) -> tuple[int, int]:
    attachments = holdings.attachment_counts(tx, account)
    return attachments.get(arn, 0), holdings.boundary_counts(tx, account).get(arn, 0)


def _aws(found: AwsPolicy, attachments: int, boundaries: int) -> dict[str, Any]:
    return {
        "PolicyName": found.name,
        "PolicyId": found.policy_id,
        "Arn": found.arn,
        "Path": found.path,
        "DefaultVersionId": found.default_version,
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": True,
        "CreateDate": found.created_at,
        "UpdateDate": found.updated_at,
    }
