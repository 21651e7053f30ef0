"""Ids and secrets as AWS's look, and that cannot be guessed."""

import base64
import secrets

from flowmaker.aws.iam.records import AccessKey
from flowmaker.clock import Clock
from flowmaker.ids import token


def user_id() -> str:
    return f"AIDA{token(17)}"


def role_id() -> str:
    return f"AROA{token(17)}"


def group_id() -> str:
    return f"AGPA{token(17)}"


def instance_profile_id() -> str:
    return f"AIPA{token(17)}"


def policy_id() -> str:
    return f"ANPA{token(17)}"


def temporary_key_id() -> str:
    return f"ASIA{token(16)}"


def secret() -> str:
    """Forty characters."""
    return base64.b64encode(secrets.token_bytes(30)).decode()


def session_token() -> str:
    return f"FwoGZXIvYXdz{base64.b64encode(secrets.token_bytes(96)).decode()}"


def access_key(account: str, user_name: str, clock: Clock) -> AccessKey:
    return AccessKey(
        access_key_id=f"AKIA{token(16)}",
        account=account,
        secret_access_key=secret(),
        user_name=user_name,
        status="Active",
        created_at=clock.now(),
    )
