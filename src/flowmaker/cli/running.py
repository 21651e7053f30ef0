"""The server that runs on a data folder, as its clients see it."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flowmaker.aws.iam.account_names import MAIN, check_name
from flowmaker.errors import FailedPrecondition, NotFound
from flowmaker.server.data_folder import DataFolder


@dataclass(frozen=True, slots=True)
class Running:
    """Where it is and how to talk to it."""

    url: str
    pid: int
    environment: Mapping[str, str]
    #: What says that we are the server's owner, where KFP has several users;
    #: empty where it has one.
    administrator: str = ""


def account_option(command: argparse.ArgumentParser) -> None:
    """`--account`, for commands that act for whoever calls them."""
    command.add_argument(
        "--account",
        default=MAIN,
        metavar="NAME",
        help="act as the root user of an account of `flowmaker account add`",
    )


def find(data: Path, account: str = MAIN) -> Running:
    """The server on the folder `data`, with an environment that acts in the account.

    Raises:
        FailedPrecondition: none runs there.
        NotFound: there is no such account.
    """
    folder = DataFolder(data)
    server = folder.running() if folder.is_held() else None
    if server is None:
        raise FailedPrecondition(
            f"no server runs on {data}. Start one with `flowmaker up --detach --data {data}`."
        )
    key = folder.administrator_key
    return Running(
        url=server["url"],
        pid=server["pid"],
        environment=json.loads(folder.credentials.read_text()) | _keys(folder, account),
        administrator=key.read_text() if key.exists() else "",
    )


def _keys(folder: DataFolder, account: str) -> Mapping[str, str]:
    """The variables in which an account's environment differs from the first account's."""
    if account == MAIN:
        return {}
    check_name(account)
    try:
        kept = json.loads(folder.account(account).read_text())
    except FileNotFoundError:
        raise NotFound(
            f"there is no account {account}: `flowmaker account list` lists those there are, "
            f"`flowmaker account add {account}` makes it."
        ) from None
    return {
        "AWS_ACCESS_KEY_ID": kept["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": kept["secret_access_key"],
        # Lasting keys have none, and one that a shell has already must not stay.
        "AWS_SESSION_TOKEN": "",
    }
