"""`flowmaker account`: AWS accounts beside the first, for what goes on between accounts."""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from flowmaker import ids
from flowmaker.aws.iam.account_names import MAIN
from flowmaker.cli.folders import data_option, folder
from flowmaker.server.data_folder import DataFolder

if TYPE_CHECKING:
    from flowmaker.server.accounts import Accounts


T = TypeVar("T")


def configure(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="ACTION", dest="action")
    add = actions.add_parser("add", help="make an account, and print its root user's keys")
    add.add_argument("name", metavar="NAME", help="what you call it")
    listing = actions.add_parser("list", help="list the accounts")
    for action in (add, listing):
        action.add_argument(
            "--data", type=folder, default=argparse.SUPPRESS, metavar="DIR", help="the data folder"
        )


def run(arguments: argparse.Namespace) -> int:
    data: Path = arguments.data
    if arguments.action == "list":
        for name, account in _all(data):
            print(f"{account}  {name}")
        return 0
    made = _add(data, arguments.name)
    option = data_option(data)
    print(f"The account {made['name']} is {made['id']}. Its root user's keys, told this once:")
    print(f"AWS_ACCESS_KEY_ID={made['access_key_id']}")
    print(f"AWS_SECRET_ACCESS_KEY={made['secret_access_key']}")
    print(
        f"They are kept in {DataFolder(data).account(made['name'])}; "
        f"`flowmaker env --account {made['name']}{option}` has them."
    )
    return 0


def _add(data: Path, name: str) -> dict[str, str]:
    """Name, id and keys of a new account: by the server that runs, or else by ourselves."""
    if DataFolder(data).is_held():
        from flowmaker.cli.owner_api import OwnerApi  # noqa: PLC0415 - imports a client

        return dict(OwnerApi(data).post("/ui/accounts", {"name": name}))

    async def add(accounts: "Accounts") -> dict[str, str]:
        opened = await accounts.add(name)
        return {
            "name": opened.account.name,
            "id": opened.account.id,
            "access_key_id": opened.keys.access_key_id,
            "secret_access_key": opened.keys.secret_access_key,
        }

    return _on(data, add)


def _all(data: Path) -> list[tuple[str, str]]:
    """Name and id of every account, the first one first."""
    first = (MAIN, ids.ACCOUNT)
    if DataFolder(data).is_held():
        from flowmaker.cli.owner_api import OwnerApi  # noqa: PLC0415

        found = OwnerApi(data).get("/ui/accounts", {})["accounts"]
        return [first, *((one["name"], one["id"]) for one in found)]
    if not DataFolder(data).database.exists():
        return [first]

    async def every(accounts: "Accounts") -> list[tuple[str, str]]:
        return [(one.name, one.id) for one in await accounts.every()]

    return [first, *_on(data, every)]


def _on(data: Path, do: Callable[["Accounts"], Awaitable[T]]) -> T:
    """What `do` makes of the folder's accounts, while no server can start on it."""
    with _accounts(DataFolder(data)) as accounts:

        async def run() -> T:
            return await do(accounts)

        return asyncio.run(run())


@contextmanager
def _accounts(folder: DataFolder) -> Generator["Accounts"]:
    from flowmaker.clock import SystemClock  # noqa: PLC0415
    from flowmaker.server.accounts import Accounts  # noqa: PLC0415 - imports the database
    from flowmaker.store.database import Database  # noqa: PLC0415

    lock = folder.hold()
    try:
        folder.protect_database()
        database = Database(folder.database)
        try:
            yield Accounts(database, SystemClock(), folder)
        finally:
            database.close()
    finally:
        os.close(lock)
