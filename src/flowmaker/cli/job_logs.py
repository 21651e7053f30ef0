"""The logs of SageMaker's jobs and endpoints, from CloudWatch Logs."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.cli.aws_api import AwsApi
from flowmaker.cli.naming import Named

#: Seconds between looks.
TICK = 0.4


@dataclass(frozen=True, kw_only=True, slots=True)
class JobKind:
    """How SageMaker names one kind of what has logs."""

    #: `TrainingJob`: of it are made DescribeTrainingJob, TrainingJobName, TrainingJobStatus.
    noun: str
    group: str
    #: Whether the group has this one's logs alone, rather than its streams this one's prefix.
    own_group: bool = False
    summaries: str = ""

    def name(self, of: Mapping[str, Any]) -> str:
        return of[f"{self.noun}Name"]

    def state(self, of: Mapping[str, Any]) -> str:
        return of[f"{self.noun}Status"]


KINDS = {
    "training-job": JobKind(
        noun="TrainingJob", group="/aws/sagemaker/TrainingJobs", summaries="TrainingJobSummaries"
    ),
    "processing-job": JobKind(
        noun="ProcessingJob",
        group="/aws/sagemaker/ProcessingJobs",
        summaries="ProcessingJobSummaries",
    ),
    "transform-job": JobKind(
        noun="TransformJob", group="/aws/sagemaker/TransformJobs", summaries="TransformJobSummaries"
    ),
    "endpoint": JobKind(
        noun="Endpoint", group="/aws/sagemaker/Endpoints/", own_group=True, summaries="Endpoints"
    ),
}
ENDED = frozenset({"Completed", "Failed", "Stopped"})


def known(aws: AwsApi) -> list[Named]:
    """Every job and endpoint."""
    found: list[Named] = []
    for kind, how in KINDS.items():
        try:
            listed = aws.every(f"List{how.noun}s", how.summaries)
        except AwsError:
            continue  # this server has no such jobs
        found += [
            Named(kind=kind, id=how.name(each), name=how.name(each), state=how.state(each))
            for each in listed
        ]
    return found


def state(aws: AwsApi, job: Named) -> tuple[str, str]:
    """How it stands, and why it failed."""
    how = KINDS[job.kind]
    found = aws.call("sagemaker", f"Describe{how.noun}", **{f"{how.noun}Name": job.id})
    return how.state(found), found.get("FailureReason", "")


def lines(aws: AwsApi, job: Named, *, follow: bool) -> Iterator[tuple[str, str]]:
    """Stream and line; with `follow` until the job has ended, an endpoint until it is gone."""
    tokens: dict[str, str] = {}
    while True:
        # In this order: what was printed before the end is not missed.
        over = not follow or _is_over(aws, job)
        for stream in _streams(aws, job):
            for message in _new(aws, job, stream, tokens):
                yield stream.removeprefix(f"{job.id}/"), message
        if over:
            return
        threading.Event().wait(TICK)


def _is_over(aws: AwsApi, job: Named) -> bool:
    try:
        return state(aws, job)[0] in ENDED
    except AwsError:
        return True


def _group(job: Named) -> str:
    how = KINDS[job.kind]
    return f"{how.group}{job.id}" if how.own_group else how.group


def _streams(aws: AwsApi, job: Named) -> list[str]:
    prefix = {} if KINDS[job.kind].own_group else {"logStreamNamePrefix": f"{job.id}/"}
    try:
        page = aws.call("logs", "DescribeLogStreams", logGroupName=_group(job), **prefix)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return []
        raise
    return [stream["logStreamName"] for stream in page["logStreams"]]


def _new(aws: AwsApi, job: Named, stream: str, tokens: dict[str, str]) -> Iterator[str]:
    """What is in the stream since the token that is kept of it."""
    while True:
        more = {"nextToken": tokens[stream]} if stream in tokens else {}
        page = aws.call(
            "logs",
            "GetLogEvents",
            logGroupName=_group(job),
            logStreamName=stream,
            startFromHead=True,
            **more,
        )
        yield from (event["message"] for event in page["events"])
        if page["nextForwardToken"] == tokens.get(stream):
            return
        tokens[stream] = page["nextForwardToken"]
