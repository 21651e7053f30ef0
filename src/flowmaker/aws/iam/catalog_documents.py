"""The text in force of a managed policy, the account's own or AWS's."""

from flowmaker.aws.auth import managed_policies
from flowmaker.aws.auth.repository import policy_texts
from flowmaker.aws.iam import refusals
from flowmaker.store.database import Transaction


def text_of(tx: Transaction, account: str, arn: str) -> str:
    """Reads a file for AWS's own policies: it runs in the database's thread.

    Raises:
        AwsError: there is no such policy.
    """
    text = policy_texts(tx, account, [arn]).get(arn) or managed_policies.document(arn)
    if text is None:
        raise refusals.no_such_policy(arn)
    return text
