"""`flowmaker iam`: who may what, why not, and what was needed."""

import argparse

from flowmaker.cli import iam_denials, iam_explain, iam_least, iam_setup
from flowmaker.cli.folders import folder

NAME = "iam"
HELP = "say who may what and why not, what a run or job needed, and set the tutorial's users up"

_ACTIONS = {
    "explain": iam_explain,
    "denials": iam_denials,
    "least-privilege": iam_least,
    "setup": iam_setup,
}


def configure(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="ACTION", dest="action")
    for name, module in _ACTIONS.items():
        action = actions.add_parser(
            name, help=module.HELP, description=module.HELP.capitalize() + "."
        )
        module.configure(action)
        action.add_argument(
            "--data", type=folder, default=argparse.SUPPRESS, metavar="DIR", help="the data folder"
        )


def run(arguments: argparse.Namespace) -> int:
    return _ACTIONS[arguments.action].run(arguments)
