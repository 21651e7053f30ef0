"""`flowmaker iam setup`: what the tutorial asks to be done in IAM, here or on AWS."""

import argparse
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from flowmaker.cli import running
from flowmaker.cli.iam_steps import Names, Setup
from flowmaker.errors import FailedPrecondition

HELP = "make the tutorial's user, role, access key and permissions, here or on AWS"
_CLIENTS = ("boto3", "kubernetes")
_USUAL = Names()


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--aws",
        action="store_true",
        help="on AWS and the cluster of kubectl's current context, rather than here",
    )
    command.add_argument("--yes", action="store_true", help="do it without asking")
    command.add_argument("--user", default=_USUAL.user, metavar="NAME")
    command.add_argument("--role", default=_USUAL.role, metavar="NAME")
    command.add_argument(
        "--worker-role",
        default=_USUAL.worker,
        metavar="NAME",
        help="that the cluster's nodes have (default: the one that eksctl made)",
    )
    command.add_argument("--secret", default=_USUAL.secret, metavar="NAME")
    command.add_argument("--namespace", default=_USUAL.namespace, metavar="NAME")


def run(arguments: argparse.Namespace) -> int:
    missing = [name for name in _CLIENTS if find_spec(name) is None]
    if missing:
        raise FailedPrecondition(
            f"this needs {' and '.join(missing)}: pip install 'flowmaker[clients]'"
        )
    try:
        return _run(arguments)
    except FailedPrecondition:
        raise
    except Exception as error:
        told = _told(error)
        if not told:
            raise
        raise FailedPrecondition(told) from None


def _run(arguments: argparse.Namespace) -> int:
    setup, where = _on_aws(arguments) if arguments.aws else _here(arguments)
    print(f"On {where}:")
    steps = setup.steps()
    for step in steps:
        print(f"  {'is there ' if step.is_done else 'will make'}  {step.text}")
    to_do = [step for step in steps if not step.is_done]
    if to_do and not arguments.yes and not _agreed():
        print("Nothing was changed.")
        return 1
    for step in to_do:
        step.do()
        print(f"  made       {step.text}")
    print(f"All of it is there. The role for SageMaker's jobs: {setup.role_arn()}")
    return 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise FailedPrecondition("nobody is there to ask: say --yes to do this")
    return input("Do it? [y/N] ").strip().lower() in ("y", "yes")


def _here(arguments: argparse.Namespace) -> tuple[Setup, str]:
    boto3, client, config = _clients()
    server = running.find(arguments.data)
    environment = server.environment
    iam = boto3.client(
        "iam",
        endpoint_url=server.url,
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
    )
    api = config.new_client_from_config(environment["KUBECONFIG"])
    setup = Setup(iam=iam, cluster=client.CoreV1Api(api), names=_names(arguments))
    return setup, f"Flowmaker at {server.url}"


def _on_aws(arguments: argparse.Namespace) -> tuple[Setup, str]:
    boto3, client, config = _clients()
    session = boto3.Session()
    iam, sts = session.client("iam"), session.client("sts")
    for each in (iam, sts):
        host = urlsplit(str(each.meta.endpoint_url)).hostname or ""
        if not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            raise FailedPrecondition(
                f"the AWS of this shell is {each.meta.endpoint_url}, which is not Amazon's: with "
                "--aws unset AWS_ENDPOINT_URL, or leave --aws away"
            )
    who = sts.get_caller_identity()
    _, current = config.list_kube_config_contexts()
    setup = Setup(
        iam=iam,
        cluster=client.CoreV1Api(config.new_client_from_config()),
        names=_names(arguments),
        partition=who["Arn"].split(":")[1],
    )
    where = f"AWS account {who['Account']} as {who['Arn']}, and the cluster {current['name']}"
    return setup, where


def _clients() -> tuple[Any, Any, Any]:
    """Neither has types, and a server needs neither."""
    return (
        import_module("boto3"),
        import_module("kubernetes.client"),
        import_module("kubernetes.config"),
    )


def _names(arguments: argparse.Namespace) -> Names:
    return Names(
        user=arguments.user,
        role=arguments.role,
        worker=arguments.worker_role,
        secret=arguments.secret,
        namespace=arguments.namespace,
    )


def _told(error: Exception) -> str:
    """What a client's error says; empty when it is none of a client's."""
    kind = type(error)
    if kind.__module__.startswith("kubernetes."):
        reason = getattr(error, "reason", "") or str(error)
        return f"the cluster does not do it: {reason}"
    if any(base.__module__ == "botocore.exceptions" for base in kind.__mro__):
        return f"AWS does not do it: {error}"
    return ""
