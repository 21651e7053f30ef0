"""Serve one data folder until asked to stop."""

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Generator

import uvicorn
from starlette.types import ASGIApp

from flowmaker.errors import FailedPrecondition
from flowmaker.sagemaker.serving.joined import JoinedHttp
from flowmaker.server.config import Settings
from flowmaker.server.data_folder import DataFolder, write_private
from flowmaker.server.wiring import House

#: Connections that wait to be accepted.
BACKLOG = 512
#: Seconds that requests under way get to end after a SIGTERM.
PATIENCE = 5
#: Seconds that a connection stays open with no request. Clients poll every few seconds over one,
#: kfp.Client every 5: one that is closed just as it is used looks to them as if the server broke.
IDLE = 75
#: So many more objects than before make the server look for garbage.
GARBAGE = 10_000


def serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready(url)` is called when clients may connect.

    Raises:
        InvalidInput: the settings are not safe.
        FailedPrecondition: the folder is served already, or the port is taken.
    """
    settings.check()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    folder = DataFolder(settings.data.absolute())
    lock = folder.hold()
    try:
        with (
            _listen(settings) as listener,
            asyncio.Runner(loop_factory=_new_event_loop) as runner,
        ):
            runner.run(_serve(settings, folder, listener, on_ready))
    finally:
        os.close(lock)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """The faster loop, where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _serve(
    settings: Settings,
    folder: DataFolder,
    listener: socket.socket,
    on_ready: Callable[[str], None],
) -> None:
    url = _url(settings.host, listener.getsockname()[1])
    house = await House.build(settings, folder, url)

    def ready() -> None:
        write_private(folder.server, json.dumps({"url": url, "pid": os.getpid()}) + "\n")
        _collect_less()
        on_ready(url)

    server = _Server(house.app, ready, house.ending.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
    try:
        await house.start()
        await server.serve(sockets=[listener])
    finally:
        await house.close()
        folder.server.unlink(missing_ok=True)


def _collect_less() -> None:
    """What is there when the server is ready stays: nobody need look through it for garbage.

    And of what requests leave behind hardly anything is in circles: it is looked for rarely.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 20)


class _Server(uvicorn.Server):
    """Uvicorn, which says when it answers, and when it begins to end."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=JoinedHttp,
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="websockets-sansio",
                server_header=False,
                # Policies ask where a request comes from: nobody may say that of himself.
                proxy_headers=False,
                timeout_graceful_shutdown=PATIENCE,
                timeout_keep_alive=IDLE,
            )
        )
        self._ready = ready
        self._ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to `_serve`: uvicorn would end the process before the house closes."""
        yield


def _listen(settings: Settings) -> contextlib.closing[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (settings.host, settings.port), family=family, backlog=BACKLOG
        )
    except OSError as error:
        raise FailedPrecondition(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}. "
            "Use another port with --port, or 0 for any that is free."
        ) from None
    # asyncio sets it on sockets that it makes itself; without it small answers wait for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return contextlib.closing(listener)


def _url(host: str, port: int) -> str:
    """Where clients on this machine find the server."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
