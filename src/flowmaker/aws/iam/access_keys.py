"""The keys that requests are signed with, for the check of signatures."""

import hmac
from collections import OrderedDict

from flowmaker import ids
from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.auth.sigv4 import Key
from flowmaker.aws.iam.records import AccessKey, Session
from flowmaker.aws.iam.repository import credentials, entities
from flowmaker.aws.service import Principal
from flowmaker.clock import Clock
from flowmaker.store.database import Database, Transaction

#: How many keys are remembered at most.
REMEMBERED = 1024


class AccessKeys:
    """Implements `flowmaker.aws.auth.sigv4.KeyStore`.

    Keys that were found are remembered until IAM changes or they were not used for long; that
    there is none of a name is not.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes_of(database)
        self._count = self._changes.count
        self._known: OrderedDict[tuple[str, str], Key] = OrderedDict()

    async def find(self, access_key_id: str, session_token: str | None) -> Key | None:
        count = self._changes.count
        if count != self._count:
            self._known.clear()
            self._count = count
        place = (access_key_id, session_token or "")
        key = self._known.get(place)
        if key is None:
            key = await self._database.read(_find, *place)
            if key is not None and self._changes.count == self._count == count:
                self._known[place] = key
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        else:
            self._known.move_to_end(place)
        return key


def _find(tx: Transaction, access_key_id: str, session_token: str) -> Key | None:
    if session_token:
        session = credentials.session(tx, access_key_id)
        if session is None or not hmac.compare_digest(
            session.session_token.encode(), session_token.encode()
        ):
            return None
        return _temporary(session)
    key = credentials.key(tx, access_key_id)
    return _lasting(tx, key) if key is not None else None


def _temporary(session: Session) -> Key:
    return Key(
        secret=session.secret_access_key,
        principal=principal(session),
        expires_at=session.expires_at,
    )


def principal(session: Session) -> Principal:
    """Whom a session's requests come from."""
    return Principal(
        account=ids.account_of(session.principal_arn),
        arn=session.principal_arn,
        user_id=session.user_id,
        access_key_id=session.access_key_id,
        session_policies=session.session_policies,
        session_tags=session.tags,
        transitive_tags=session.transitive,
        source_identity=session.source_identity,
    )


def _lasting(tx: Transaction, key: AccessKey) -> Key | None:
    if not key.user_name:
        arn, user_id = ids.arn("iam", "", key.account, "root"), key.account
    else:
        user = entities.user(tx, key.account, key.user_name)
        if user is None:
            return None
        arn, user_id = user.arn, user.user_id
    return Key(
        secret=key.secret_access_key,
        principal=Principal(
            account=key.account, arn=arn, user_id=user_id, access_key_id=key.access_key_id
        ),
        status=key.status,
    )
