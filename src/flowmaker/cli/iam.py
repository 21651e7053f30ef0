"""`flowmaker iam`: who may what, why not, and what was needed."""

import argparse

from flowmaker.cli import iam_denials, iam_explain, iam_least, iam_setup
from flowmaker.cli.folders import folder

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
            name,
            help=module.HELP,
            description=f"{module.HELP[0].upper()}{module.HELP[1:]}.",
        )
        module.configure(action)
        action.add_argument(
            "--data", type=folder, default=argparse.SUPPRESS, metavar="DIR", help="the data folder"
        )


def run(arguments: argparse.Namespace) -> int:
    return _ACTIONS[arguments.action].run(arguments)
