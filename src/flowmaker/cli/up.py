"""`flowmaker up`: start the server."""

import argparse
import gc
import os
import subprocess
import sys
from pathlib import Path

from flowmaker.cli.folders import data_option
from flowmaker.errors import FailedPrecondition, InvalidInput
from flowmaker.pipelines.driver.resources import quantity
from flowmaker.sagemaker.records.quota import NAME as QUOTA
from flowmaker.server.config import DEFAULT_HOST, DEFAULT_PORT, Settings
from flowmaker.server.data_folder import DataFolder

#: Lines of a server's log that are shown when it did not start.
LOG_TAIL = 20


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", default=DEFAULT_HOST, help=f"default: {DEFAULT_HOST}")
    command.add_argument(
        "--port", type=port, default=DEFAULT_PORT, help=f"default: {DEFAULT_PORT}; 0: any"
    )
    command.add_argument(
        "--cores",
        type=cores,
        default=0.0,
        help="cores that tasks, and that jobs, may ask for; default: this machine's",
    )
    command.add_argument(
        "--memory",
        type=memory,
        default=0,
        help="memory that they may ask for, e.g. 8Gi; default: this machine's",
    )
    command.add_argument(
        "--accelerators",
        type=accelerators,
        action="append",
        default=[],
        metavar="KIND=N",
        help="accelerators that tasks may ask for, e.g. nvidia.com/gpu=1; "
        "default: the NVIDIA devices of this machine",
    )
    command.add_argument(
        "--quota",
        type=quota,
        action="append",
        default=[],
        metavar="NAME=N",
        help="a quota of SageMaker by AWS's name: 'ml.m5.large for training job usage=2'; "
        "default: none",
    )
    command.add_argument(
        "--multi-user",
        action="store_true",
        help="KFP with several users, each in namespaces of their own",
    )
    command.add_argument(
        "--detach", action="store_true", help="return when it is ready; it goes on without you"
    )
    command.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)


def port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:  # noqa: PLR2004 - what a port is
        raise argparse.ArgumentTypeError(f"{number} is no port: 0 to 65535")
    return number


def cores(text: str) -> float:
    number = float(text)
    if not number >= 0.001:  # noqa: PLR2004 - a millicore
        raise argparse.ArgumentTypeError(f"{text} is no number of cores")
    return number


def memory(text: str) -> int:
    try:
        found = int(quantity(text))
    except InvalidInput as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if found <= 0:
        raise argparse.ArgumentTypeError(f"{text} is no memory")
    return found


def accelerators(text: str) -> tuple[str, int]:
    kind, _, number = text.rpartition("=")
    if not kind or not number.isdecimal() or not int(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a kind: nvidia.com/gpu=1")
    return kind, int(number)


def quota(text: str) -> tuple[str, int]:
    name, _, number = text.rpartition("=")
    if not QUOTA.fullmatch(name) or not number.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{text!r} is no quota: 'ml.m5.large for training job usage=2', or of a spot training "
            "job, a processing job, a transform job, an endpoint"
        )
    return name, int(number)


def run(arguments: argparse.Namespace) -> int:
    settings = Settings(
        data=arguments.data,
        host=arguments.host,
        port=arguments.port,
        token=os.environ.get("FLOWMAKER_TOKEN", ""),
        cores=arguments.cores,
        memory=arguments.memory,
        accelerators=dict(arguments.accelerators),
        multi_user=arguments.multi_user,
        quotas=dict(arguments.quota),
    )
    settings.check()
    if arguments.detach:
        print(greeting(detach(settings), settings.data))
        return 0
    # What is imported stays: to look for garbage in it meanwhile took a tenth of the time.
    gc.disable()
    from flowmaker.server.serve import serve  # noqa: PLC0415 - imports the whole server

    gc.enable()

    def ready(url: str) -> None:
        if arguments.ready_fd is None:
            print(greeting(url, settings.data), flush=True)
            return
        os.write(arguments.ready_fd, url.encode())
        os.close(arguments.ready_fd)

    serve(settings, ready)
    return 0


def detach(settings: Settings) -> str:
    """Start a server that outlives this process; returns its URL once clients may connect.

    Raises:
        FailedPrecondition: it ended before it was ready; the message has what it said.
    """
    folder = DataFolder(settings.data)
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    reading, writing = os.pipe()
    begin = folder.log.stat().st_size if folder.log.exists() else 0
    # Bytecode is written, whatever this shell says: it makes every later start faster.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with folder.log.open("ab") as log:
        subprocess.Popen(  # noqa: S603 - our own program
            [
                sys.executable, "-m", "flowmaker", "up", "--data", str(settings.data),
                "--host", settings.host, "--port", str(settings.port), "--ready-fd", str(writing),
                *(("--cores", str(settings.cores)) if settings.cores else ()),
                *(("--memory", str(settings.memory)) if settings.memory else ()),
                *(f"--accelerators={kind}={n}" for kind, n in settings.accelerators.items()),
                *(("--multi-user",) if settings.multi_user else ()),
                *(f"--quota={name}={number}" for name, number in settings.quotas.items()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writing],
            start_new_session=True,
            cwd="/",
            env=environment,
        )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as pipe:
        url = pipe.read()
    if not url:
        raise FailedPrecondition(_said(folder.log, begin))
    return url


def _said(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode(errors="replace").strip().splitlines()
    if len(lines) == 1:
        return lines[0].removeprefix("flowmaker: ")
    return "the server did not start; it said:\n" + "\n".join(lines[-LOG_TAIL:])


def greeting(url: str, data: Path) -> str:
    """Where it is, and what to copy."""
    option = data_option(data)
    return (
        f"Flowmaker is ready at {url}\n"
        f'\n    eval "$(flowmaker env{option})"\n\n'
        "Then kfp, boto3, aws and kubectl talk to it unchanged. "
        f"`flowmaker open{option}` shows it in a browser. "
        f"Stop it with `flowmaker down{option}`."
    )
