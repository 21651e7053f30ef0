"""`flowmaker iam denials`: what was denied of late, each with the statement that was missing."""

import argparse

from flowmaker.aws.auth.observed import Observation
from flowmaker.cli.moments import since
from flowmaker.cli.permissions_api import PermissionsApi

HELP = "list what was denied of late, each with the statement that was missing"


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--since", type=since, metavar="TIME", help="30m, 2h, 1d, or 2026-01-31T12:00"
    )


def run(arguments: argparse.Namespace) -> int:
    found = PermissionsApi(arguments.data).decisions(since=arguments.since, denied="1")
    for one in reversed(found):
        print(_line(one))
        print(f"  missing: {one.missing}" if one.missing else f"  {one.told}")
    if not found:
        print("Nothing was denied.")
    return 0


def _line(one: Observation) -> str:
    times = f", {one.count} times" if one.count > 1 else ""
    when = one.last_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{when}  {one.holder}  {one.action}  {one.resource}{times}"
