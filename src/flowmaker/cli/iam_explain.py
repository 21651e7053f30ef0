"""`flowmaker iam explain`: may this principal do this to that, and which statement says so?"""

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from flowmaker.cli.permissions_api import PermissionsApi

HELP = "say whether a user or role may do something, which statement decides, and what is missing"


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "principal", metavar="PRINCIPAL", help="NAME, user/NAME, role/NAME, or an ARN"
    )
    command.add_argument("asked", metavar="ACTION", help="as s3:GetObject")
    command.add_argument(
        "resource",
        metavar="RESOURCE",
        nargs="?",
        default="*",
        help="an ARN, s3://BUCKET/KEY, or nothing for an action that has none",
    )
    command.add_argument(
        "--context",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a condition key of the request, as aws:SourceIp=10.0.0.1; again for more",
    )


def run(arguments: argparse.Namespace) -> int:
    """The exit code is 1 when it is denied."""
    found = PermissionsApi(arguments.data).explanation(
        arguments.principal, arguments.asked, arguments.resource, arguments.context
    )
    for line in explained(found):
        print(line)
    return 0 if found["allowed"] else 1


def explained(found: Mapping[str, Any]) -> Iterator[str]:
    """The answer in lines."""
    verdict = "allowed" if found["allowed"] else "denied"
    yield f"{verdict}: {found['principal']} · {found['action']} · {found['resource']}"
    for key, value in found["context"].items():
        yield f"  with {key} = {value}"
    for one in found["statements"]:
        if one["why"] and (found["allowed"] or found["explicit"]):
            continue  # what did not decide
        told = one["why"] or f"{one['fit']} it"
        yield f"  {one['layer']} {one['policy']}, statement {one['statement']}: {told}"
    if found["allowed"]:
        return
    if not found["statements"]:
        had = [f"{count} {layer}" for layer, count in found["policies"].items() if count]
        yield f"  no statement speaks of {found['action']} (looked at: {', '.join(had) or 'none'})"
    yield ""
    yield found["told"]
    if found["missing"]:
        yield ""
        yield json.dumps(json.loads(found["missing"]), indent=2)
