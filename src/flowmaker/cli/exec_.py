"""`flowmaker exec`: run a command that talks to Flowmaker wherever it thinks it talks to AWS."""

import argparse
import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from flowmaker.cli import running
from flowmaker.compat import onpath
from flowmaker.errors import InvalidInput
from flowmaker.server.data_folder import DataFolder

NOT_FOUND = 127


def configure(command: argparse.ArgumentParser) -> None:
    running.account_option(command)
    command.add_argument(
        "--kfp1",
        action="store_true",
        help="the command's Python programs may be written for the KFP SDK 1.x: they run on the "
        "2.x that is installed",
    )
    command.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND…", help="the command to run"
    )


def run(arguments: argparse.Namespace) -> int:
    command = arguments.command
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        raise InvalidInput("say what to run: flowmaker exec -- python train.py")
    server = running.find(arguments.data, arguments.account)
    with ExitStack() as stack:
        extra: Mapping[str, str] = {}
        if arguments.kfp1:
            path = stack.enter_context(tempfile.TemporaryDirectory(prefix="flowmaker-kfp1-"))
            onpath.make(Path(path))
            extra = {"PYTHONPATH": os.pathsep.join(filter(None, (path, os.getenv("PYTHONPATH"))))}
        return asyncio.run(_run(command, server, DataFolder(arguments.data), extra))


async def _run(
    command: Sequence[str], server: running.Running, folder: DataFolder, extra: Mapping[str, str]
) -> int:
    from flowmaker.cli.authority import Authority  # noqa: PLC0415 - cryptography is slow to import
    from flowmaker.cli.proxy import Proxy  # noqa: PLC0415
    from flowmaker.clock import SystemClock  # noqa: PLC0415

    authority = Authority(folder.authority, SystemClock())
    proxy = await Proxy(server.url, authority).start()
    async with proxy:
        port = proxy.sockets[0].getsockname()[1]
        environment = {
            **os.environ,
            **server.environment,
            **_trust(f"http://127.0.0.1:{port}", str(authority.bundle)),
            "AWS_ENDPOINT_URL_S3_CONTROL": _S3_CONTROL,
            **extra,
        }
        try:
            process = await asyncio.create_subprocess_exec(*command, env=environment)
        except (FileNotFoundError, PermissionError) as error:
            raise InvalidInput(f"cannot run {command[0]}: {error.strerror}") from None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, process.send_signal, number)
        # A Ctrl-C reaches the command by itself: it is of the same process group.
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        code = await process.wait()
    return code if code >= 0 else 128 - code


#: Its clients write the account before the host: before an address that would be no name.
_S3_CONTROL = "https://s3-control.us-east-1.amazonaws.com"


def _trust(proxy: str, bundle: str) -> Mapping[str, str]:
    """Through the proxy, with its certificate trusted; this machine itself is asked directly."""
    return {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": "127.0.0.1,localhost,::1",
        "no_proxy": "127.0.0.1,localhost,::1",
        "AWS_CA_BUNDLE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
    }
