"""Temporary credentials: made here, kept until they expire."""

from datetime import datetime, timedelta

from flowmaker.aws.iam import new
from flowmaker.aws.iam.access_keys import principal
from flowmaker.aws.iam.records import Role, Session
from flowmaker.aws.iam.repository import credentials
from flowmaker.aws.identity import SessionCredentials
from flowmaker.aws.service import Principal
from flowmaker.ids import arn
from flowmaker.store.database import Transaction


def of_role(role: Role, name: str) -> Principal:
    """Who a session of the role is: of the role's account, whoever assumed it."""
    return Principal(
        account=role.account,
        arn=arn("sts", "", role.account, f"assumed-role/{role.role_name}/{name}"),
        user_id=f"{role.role_id}:{name}",
    )


def issue(
    tx: Transaction, who: Principal, now: datetime, lasting: timedelta, *, purpose: str = ""
) -> SessionCredentials:
    """New credentials for `who`; with a purpose they take the place of those it had."""
    session = Session(
        access_key_id=new.temporary_key_id(),
        secret_access_key=new.secret(),
        session_token=new.session_token(),
        principal_arn=who.arn,
        user_id=who.user_id,
        session_policies=who.session_policies,
        purpose=purpose,
        created_at=now,
        expires_at=now + lasting,
        tags=who.session_tags,
        transitive=who.transitive_tags,
        source_identity=who.source_identity,
    )
    credentials.add_session(tx, session)
    return as_credentials(session)


def as_credentials(session: Session) -> SessionCredentials:
    return SessionCredentials(
        access_key_id=session.access_key_id,
        secret_access_key=session.secret_access_key,
        session_token=session.session_token,
        expires_at=session.expires_at,
        principal=principal(session),
    )
