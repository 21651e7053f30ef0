"""`flowmaker COMMAND`: which command was meant, and how its failure is told."""

import argparse
import os
import sys
from collections.abc import Sequence

from flowmaker import __version__
from flowmaker.cli.folders import DEFAULT, default_folder, folder
from flowmaker.errors import FlowmakerError


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
    # Each command's module is imported here, so it must import what it needs only when it runs.
    from flowmaker.cli import (  # noqa: PLC0415
        account,
        debug,
        demo,
        doctor,
        down,
        env,
        exec_,
        gc,
        iam,
        image,
        interrupt,
        logs,
        open_,
        status,
        up,
    )

    whole = argparse.ArgumentParser(
        prog="flowmaker",
        description="Kubeflow Pipelines and Amazon SageMaker as one program on your own machine.",
    )
    whole.add_argument("--version", action="version", version=f"flowmaker {__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    modules = (
        up,
        env,
        open_,
        exec_,
        status,
        logs,
        debug,
        image,
        interrupt,
        iam,
        account,
        gc,
        doctor,
        down,
        demo,
    )
    for module in modules:
        command = commands.add_parser(
            module.NAME, help=module.HELP, description=module.HELP.capitalize() + "."
        )
        command.add_argument(
            "--data",
            type=folder,
            default=default_folder(),
            metavar="DIR",
            help=f"the data folder (default: $FLOWMAKER_HOME or {DEFAULT})",
        )
        module.configure(command)
        command.set_defaults(run=module.run)
    return whole
