"""`flowmaker iam least-privilege`: the smallest policy that what was observed needed."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flowmaker.aws.auth.least import least
from flowmaker.aws.auth.observed import Observation
from flowmaker.aws.errors import AwsError
from flowmaker.cli import logs, running
from flowmaker.cli.aws_api import AwsApi
from flowmaker.cli.job_logs import KINDS
from flowmaker.cli.kfp_api import KfpApi
from flowmaker.cli.moments import since
from flowmaker.cli.naming import Named
from flowmaker.cli.permissions_api import PermissionsApi
from flowmaker.errors import FailedPrecondition, InvalidInput, NotFound

HELP = "print the smallest policy that a run, a job, or everything of late needed"
#: What a job does last may be noted after its end.
_AFTER = timedelta(seconds=5)


def configure(command: argparse.ArgumentParser) -> None:
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("what", metavar="RUN|JOB", nargs="?", help="as `flowmaker logs` takes it")
    what.add_argument(
        "--since", type=since, metavar="TIME", help="all of late: 30m, 2h, 1d, 2026-01-31T12:00"
    )
    command.add_argument(
        "--of", default="", metavar="user/NAME|role/NAME", help="of this user or role alone"
    )
    command.add_argument(
        "--exact",
        action="store_true",
        help="each name as it was, also where it is made anew each time",
    )


def run(arguments: argparse.Namespace) -> int:
    permissions = PermissionsApi(arguments.data)
    if arguments.since:
        found = permissions.decisions(since=arguments.since)
        told = "since then"
    else:
        found, told = _of(arguments, permissions)
    holders: dict[str, list[Observation]] = {}
    for one in found:
        holders.setdefault(one.holder, []).append(one)
    if arguments.of:
        if arguments.of not in holders:
            needed = ", ".join(sorted(holders)) or "nobody"
            raise NotFound(f"{arguments.of} needed nothing {told}; who did: {needed}")
        holders = {arguments.of: holders[arguments.of]}
    if not holders:
        raise NotFound(f"no permission was needed {told}, or it is longer ago than is remembered")
    for holder, needs in sorted(holders.items()):
        _tell(holder, needs, told)
        print(json.dumps(least(needs, exact=arguments.exact), indent=2), flush=True)
    return 0


def _tell(holder: str, needs: Iterable[Observation], told: str) -> None:
    """Beside the policy, so that a pipe gets the policy alone."""
    print(f"# {holder} needed {told}:", file=sys.stderr, flush=True)
    for one in needs:
        if one.allowed:
            continue
        why = "a statement denies it, which no policy here mends" if one.explicit else "was denied"
        print(f"#   {one.action} on {one.resource}: {why}", file=sys.stderr, flush=True)


def _of(
    arguments: argparse.Namespace, permissions: PermissionsApi
) -> tuple[list[Observation], str]:
    server = running.find(arguments.data)
    kfp, aws = KfpApi(server), AwsApi(server)
    try:
        what = logs.find(arguments.what, kfp, aws)
        if what.kind == "run":
            found = _of_run(kfp.run(what.id), permissions)
        else:
            found = _of_job(aws, what, permissions)
    except AwsError as error:
        raise FailedPrecondition(f"{error.code}: {error.message}") from None
    return found, f"for {what.address}"


def _of_run(run: Mapping[str, Any], permissions: PermissionsApi) -> list[Observation]:
    """What its tasks needed, and the roles that they passed to jobs while it ran."""
    found = permissions.decisions(run=run["run_id"])
    roles = sorted({one.resource for one in found if one.passed_to})
    ended = run.get("finished_at", "")
    # Of a run that has not ended this is the year 1970.
    until = datetime.fromisoformat(ended) + _AFTER if ended and ended[:4] != "1970" else None
    for role in roles:
        found += permissions.decisions(
            principal=_sessions(role), since=_time(run["created_at"]), until=until
        )
    return found


def _of_job(aws: AwsApi, job: Named, permissions: PermissionsApi) -> list[Observation]:
    """What its role needed while it ran."""
    noun = KINDS[job.kind].noun
    about = aws.call("sagemaker", f"Describe{noun}", **{f"{noun}Name": job.id})
    ended = about.get(f"{noun.removesuffix('Job')}EndTime")
    return permissions.decisions(
        principal=_sessions(_role(aws, about)),
        since=_time(about["CreationTime"]),
        until=_time(ended) + _AFTER if ended else None,
    )


def _role(aws: AwsApi, about: Mapping[str, Any]) -> str:
    """The role that a job or endpoint has: its own, or that of its model."""
    if "EndpointConfigName" in about:
        name = about["EndpointConfigName"]
        config = aws.call("sagemaker", "DescribeEndpointConfig", EndpointConfigName=name)
        return _role(aws, config["ProductionVariants"][0])
    if "ModelName" in about:
        model = aws.call("sagemaker", "DescribeModel", ModelName=about["ModelName"])
        return model["ExecutionRoleArn"]
    if "RoleArn" not in about:
        raise InvalidInput("it has no role of its own")
    return about["RoleArn"]


def _sessions(role_arn: str) -> str:
    """The sessions of a role, in which the role's path does not occur."""
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    return f"arn:aws:sts::{account}:assumed-role/{name}"


def _time(told: float | str) -> datetime:
    """AWS's JSON has seconds, KFP's ISO 8601."""
    if isinstance(told, str):
        return datetime.fromisoformat(told)
    return datetime.fromtimestamp(told, UTC)
