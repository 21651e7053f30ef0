"""Whether a policy's ARN is one that can be attached or be a boundary."""

from flowmaker.aws.auth import managed_policies
from flowmaker.aws.iam import refusals
from flowmaker.aws.iam.repository import policies
from flowmaker.store.database import Transaction


def require_attachable(tx: Transaction, account: str, arn: str) -> None:
    """Reads a file for AWS's own policies: it runs in the database's thread.

    Raises:
        AwsError: there is no such policy, neither AWS's nor the account's.
    """
    if policies.policy(tx, account, arn) is None and managed_policies.find(arn) is None:
        raise refusals.not_attachable(arn)
