"""Accounts beside the first. Each begins with its root user's access key, and nothing else."""

from dataclasses import dataclass

from flowmaker import ids
from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.iam import new
from flowmaker.aws.iam.account_names import check_name
from flowmaker.aws.iam.bootstrap import RootKeys
from flowmaker.aws.iam.records import AccessKey, Account
from flowmaker.aws.iam.repository import accounts, credentials
from flowmaker.clock import Clock
from flowmaker.store.database import Database, Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """An account, and its root user's keys."""

    account: Account
    keys: RootKeys
    #: Whether it was made now.
    new: bool = False


async def open_account(database: Database, clock: Clock, name: str) -> Opened:
    """The account of that name, made when there is none: all of it or nothing.

    Raises:
        InvalidInput: no account can be called so.
    """
    check_name(name)
    return await changes_of(database).write(_open, name, clock)


async def every(database: Database) -> list[Account]:
    """In the order they were made."""
    return await database.read(accounts.accounts)


def _open(tx: Transaction, name: str, clock: Clock) -> Opened:
    found = accounts.account(tx, name)
    if found is not None:
        return Opened(account=found, keys=_keys(_root_key(tx, found, clock)))
    made = Account(name=name, id=_free(tx), created_at=clock.now())
    accounts.add(tx, made)
    return Opened(account=made, keys=_keys(_root_key(tx, made, clock)), new=True)


def _root_key(tx: Transaction, account: Account, clock: Clock) -> AccessKey:
    """The root user's first key; another when it was deleted."""
    keys = credentials.keys(tx, account.id, "")
    if keys:
        return keys[0]
    key = new.access_key(account.id, "", clock)
    credentials.add_key(tx, key)
    return key


def _free(tx: Transaction) -> str:
    """An id that no account has."""
    taken = {ids.ACCOUNT, *(one.id for one in accounts.accounts(tx))}
    while (found := ids.new_account()) in taken:
        pass
    return found


def _keys(key: AccessKey) -> RootKeys:
    return RootKeys(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key)
