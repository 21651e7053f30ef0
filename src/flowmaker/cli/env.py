"""`flowmaker env`: the environment that makes clients talk to the server."""

import argparse
import json
import shlex

from flowmaker.cli import running


def configure(command: argparse.ArgumentParser) -> None:
    running.account_option(command)
    command.add_argument(
        "--format", choices=("shell", "dotenv", "json"), default="shell", help="default: shell"
    )


def run(arguments: argparse.Namespace) -> int:
    environment = running.find(arguments.data, arguments.account).environment
    if arguments.format == "json":
        print(json.dumps(environment, indent=2))
        return 0
    prefix = "export " if arguments.format == "shell" else ""
    for name, value in environment.items():
        print(f"{prefix}{name}={shlex.quote(value)}")
    return 0
