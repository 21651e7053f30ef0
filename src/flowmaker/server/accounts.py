"""The accounts of a data folder: in its database, with the root users' keys in its files.

The database is what counts; the file of an account is written after it. Who is interrupted between
the two asks again, or starts the server: what is missing is written then.
"""

import json
from dataclasses import dataclass

from flowmaker.aws.iam import accounts
from flowmaker.aws.iam.accounts import Opened
from flowmaker.aws.iam.records import Account
from flowmaker.clock import Clock
from flowmaker.errors import AlreadyExists
from flowmaker.server.data_folder import DataFolder, write_private
from flowmaker.store.database import Database


@dataclass(frozen=True, slots=True)
class Accounts:
    """Makes accounts, and lists them."""

    database: Database
    clock: Clock
    folder: DataFolder

    async def add(self, name: str) -> Opened:
        """A new account, whose keys are told this once.

        Raises:
            InvalidInput: no account can be called so.
            AlreadyExists: there is one, and its keys were told.
        """
        opened = await accounts.open_account(self.database, self.clock, name)
        if not opened.new and self.folder.account(name).exists():
            raise AlreadyExists(
                f"there is an account {name} already: {opened.account.id}. "
                f"`flowmaker env --account {name}` prints the environment of its root user."
            )
        self._keep(opened)
        return opened

    async def every(self) -> list[Account]:
        """Those beside the first, in the order they were made."""
        return await accounts.every(self.database)

    async def complete(self) -> None:
        """Keep the keys of those accounts that were made without it having come to that."""
        self._folder()
        for one in await self.every():
            if not self.folder.account(one.name).exists():
                self._keep(await accounts.open_account(self.database, self.clock, one.name))

    def _keep(self, opened: Opened) -> None:
        self._folder()
        told = {
            "id": opened.account.id,
            "access_key_id": opened.keys.access_key_id,
            "secret_access_key": opened.keys.secret_access_key,
        }
        write_private(self.folder.account(opened.account.name), json.dumps(told, indent=2) + "\n")

    def _folder(self) -> None:
        """Before any process runs: what is there when one starts is hidden from it."""
        self.folder.accounts.mkdir(mode=0o700, parents=True, exist_ok=True)
