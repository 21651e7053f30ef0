"""`flowmaker COMMAND`: which command was meant, and how its failure is told."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

from flowmaker import __version__
from flowmaker.cli.folders import DEFAULT, default_folder, folder
from flowmaker.errors import FlowmakerError

#: What there is, in the order in which it is listed, and what each does. A command's module is
#: imported when it is the one that was meant.
COMMANDS = {
    "up": "start the server",
    "env": 'print the environment of the server that runs, for eval "$(flowmaker env)"',
    "open": "open the web interface in a browser, signed in",
    "exec": "run a command with that environment, "
    "and with every *.amazonaws.com reaching Flowmaker",
    "status": "say whether a server runs, where, what it does and how much memory it takes",
    "logs": "show what a run, a SageMaker job or an endpoint printed",
    "debug": "run a task of a run again, here in the terminal, with the inputs that it had",
    "image": "register what an image of pipelines and jobs stands for: "
    "packages, and a folder of programs",
    "interrupt": "take the instances of a managed spot training job away; it begins again",
    "iam": "say who may what and why not, what a run or job needed, "
    "and set the tutorial's users up",
    "account": "make further AWS accounts, whose root keys it prints, and list them",
    "gc": "remove what nothing needs: folders of deleted runs, old logs, unused environments",
    "doctor": "check this machine and the data folder, and say what is wrong",
    "down": "stop the server; jobs that run go on, and the next server finds them",
    "demo": "the tutorial, told step by step: IAM, S3, a pipeline, training, "
    "an endpoint, a prediction",
}

#: Commands that Python has the names of: their modules' end in `_`.
_TAKEN = frozenset({"open", "exec"})


class _Command(argparse.ArgumentParser):
    """The part of the command line that follows a command's name."""

    #: The module that it runs, until it is imported.
    module: str = ""

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride] - has overloads
        self,
        args: Iterable[str] | None = None,
        namespace: Any = None,  # noqa: ANN401 - whatever argparse was given
    ) -> tuple[Any, list[str]]:
        if self.module:
            module, self.module = import_module(self.module), ""
            module.configure(self)
            self.set_defaults(run=module.run)
        return super().parse_known_args(args, namespace)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exit with 0 when fine, 1 when it failed, 2 when it was not understood."""
    parsed = parser().parse_args(arguments)
    try:
        sys.exit(parsed.run(parsed) or 0)
    except FlowmakerError as error:
        print(f"flowmaker: {error.message}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(
        prog="flowmaker",
        description="Kubeflow Pipelines and Amazon SageMaker as one program on your own machine.",
    )
    whole.add_argument("--version", action="version", version=f"flowmaker {__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND", parser_class=_Command)
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        command.add_argument(
            "--data",
            type=folder,
            default=default_folder(),
            metavar="DIR",
            help=f"the data folder (default: $FLOWMAKER_HOME or {DEFAULT})",
        )
        command.module = f"flowmaker.cli.{f'{name}_' if name in _TAKEN else name}"
    return whole
