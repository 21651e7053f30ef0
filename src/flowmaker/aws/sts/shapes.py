"""Credentials as STS's answers show them."""

from typing import Any

from flowmaker.aws.identity import SessionCredentials


def credentials(session: SessionCredentials) -> dict[str, Any]:
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
        "Expiration": session.expires_at,
    }
