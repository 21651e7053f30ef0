"""Flowmaker's KFP API on a port of its own, with no controllers: runs stay as they were made."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from flowmaker.clock import SystemClock
from flowmaker.errors import Unsupported
from flowmaker.pipelines.api.app import create_app
from flowmaker.pipelines.ir.validate import Machine
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database


@dataclass
class KfpApi:
    url: str
    database: Database
    #: The runs that were hinted, in order.
    hinted: list[str] = field(default_factory=list)


def known_image(image: str) -> None:
    if not image.startswith("python:"):
        raise Unsupported(f"no environment stands for image {image!r}")


@contextmanager
def serving(folder: Path) -> Iterator[KfpApi]:
    database = Database(folder / "flowmaker.db")
    hints = Hints()
    listener = socket.create_server(("127.0.0.1", 0))
    api = KfpApi(f"http://127.0.0.1:{listener.getsockname()[1]}", database)
    hints.listen("run", api.hinted.append)
    app = create_app(database, hints, SystemClock(), machine=Machine(known_image=known_image))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield api
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        database.close()
