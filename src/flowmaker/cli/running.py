"""The server that runs on a data folder, as its clients see it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flowmaker.errors import FailedPrecondition
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


def find(data: Path) -> Running:
    """The server on the folder `data`.

    Raises:
        FailedPrecondition: none runs there.
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
        environment=json.loads(folder.credentials.read_text()),
        administrator=key.read_text() if key.exists() else "",
    )
