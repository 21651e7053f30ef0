"""`flowmaker demo`: the tutorial, from IAM to a prediction.

It is a user's script (`examples/mnist/mnist.py`), run as a user runs it: a server, the
environment of `flowmaker env`, and nothing else of Flowmaker.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

from flowmaker.cli import down, running, up
from flowmaker.cli.folders import data_option, default_folder
from flowmaker.errors import FailedPrecondition
from flowmaker.server.config import DEFAULT_PORT, Settings
from flowmaker.server.data_folder import DataFolder

CLIENTS = ("kfp", "boto3", "kubernetes", "numpy", "sklearn")


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--keep", action="store_true", help="leave the server, the endpoint and the bucket"
    )
    command.add_argument(
        "--dataset", type=Path, metavar="FILE", help="MNIST as mnist.pkl.gz or mnist.npz"
    )


def run(arguments: argparse.Namespace) -> int:
    data, dataset = _data_and_dataset(arguments)
    _check_clients()
    begin = time.monotonic()
    url, ours = _server(data)
    took = time.monotonic() - begin
    print(
        f"Flowmaker is at {url}" + (f", started in {took:.1f} s" if ours else ", running already")
    )
    # KFP's client warns at every start that it is of version 2.
    command = [sys.executable, "-W", "ignore::FutureWarning", str(tutorial())]
    command += ["--dataset", str(dataset)] if dataset else []
    command += ["--keep"] if arguments.keep else []
    environment = {**os.environ, **running.find(data).environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
    finally:
        if ours and not arguments.keep:
            down.stop(running.find(data), DataFolder(data))
    if code == 0:
        _farewell(data, keep=arguments.keep, ours=ours, seconds=time.monotonic() - begin)
    return code


def tutorial() -> Path:
    """The script: beside this file in an installed package, in `examples` in a checkout."""
    here = Path(__file__)
    places = (here.with_name("mnist.py"), here.parents[3] / "examples" / "mnist" / "mnist.py")
    for place in places:
        if place.exists():
            return place
    raise FailedPrecondition(f"the demo's script is at none of {', '.join(map(str, places))}")


def _data_and_dataset(arguments: argparse.Namespace) -> tuple[Path, Path | None]:
    """`--data` names the data folder, as everywhere; a file there is meant as the data set."""
    dataset: Path | None = arguments.dataset
    if arguments.data.is_file():
        return default_folder(), arguments.data
    if dataset and not dataset.is_file():
        raise FailedPrecondition(f"there is no file {dataset}")
    return arguments.data, dataset.absolute() if dataset else None


def _check_clients() -> None:
    missing = [name for name in CLIENTS if importlib.util.find_spec(name) is None]
    if missing:
        raise FailedPrecondition(
            f"the demo is a client's script, and needs {', '.join(missing)}: "
            "pip install 'flowmaker[clients]'"
        )


def _server(data: Path) -> tuple[str, bool]:
    """Where the server on `data` is, and whether it was started for this."""
    if DataFolder(data).is_held():
        return running.find(data).url, False
    try:
        return up.detach(Settings(data=data, port=DEFAULT_PORT)), True
    except FailedPrecondition as taken:
        if "cannot listen" not in taken.message:
            raise
        return up.detach(Settings(data=data, port=0)), True


def _farewell(data: Path, *, keep: bool, ours: bool, seconds: float) -> None:
    print(f"\nAll of it took {seconds:.1f} s.")
    option = data_option(data)
    if keep:
        print(f'The server goes on; talk to it with\n\n    eval "$(flowmaker env{option})"')
        print(f"\nand stop it with `flowmaker down{option}`.")
    elif ours:
        print(
            "The server was stopped. Start it with `flowmaker up`, or see the endpoint stay with "
            "`flowmaker demo --keep`."
        )
