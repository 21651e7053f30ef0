"""What every component does: name a job, follow it to its end with its log, stop it when told to.

`flowmaker.components.sagemaker` embeds these functions as they stand in the components that it
compiles, all of them, so each imports what it uses. They need boto3 and the standard library,
nothing else.
"""
# ruff: noqa: PLC0415, T201, TID251 - embedded, see above; and the log of a component is what it prints

from collections.abc import Callable, Iterator
from typing import Any

#: A client of boto3; its methods are made at run time.
Client = Any
#: What an operation of AWS answers, or is asked.
Document = dict[str, Any]


def connect(service: str, region: str) -> "Client":
    """A client of an AWS service, patient with throttling: a job may run for hours."""
    import os

    import boto3

    os.environ.setdefault("AWS_RETRY_MODE", "standard")
    os.environ.setdefault("AWS_MAX_ATTEMPTS", "10")
    return boto3.client(service, region_name=region)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def clients(region: str) -> "Callable[[str], Client]":
    """The clients of a region by service, each made once."""
    from functools import cache, partial

    return cache(partial(connect, region=region))


def unique_name(prefix: str) -> str:
    """A name for what this task makes: the same when the task is tried again, else its own."""
    import hashlib
    import os
    import uuid

    task = os.environ.get("KFP_POD_UID") or os.environ.get("KFP_POD_NAME")
    digest = hashlib.sha256((task or str(uuid.uuid1())).encode()).hexdigest()
    return f"{prefix}-{digest[:12]}"


def error_code(error: Exception) -> str:
    """AWS's code of a client error, e.g. `ResourceInUse`; empty for any other exception."""
    response: dict[str, dict[str, str]] = getattr(error, "response", {})
    return response.get("Error", {}).get("Code", "")


def create_named(create: "Callable[[], dict[str, Any] | None]") -> "dict[str, Any] | None":
    """Creates what nobody may have made before, but this very call; None when it was that.

    A client sends a request again when its answer was lost; then what it asked for is there by it.
    """
    try:
        return create()
    except Exception as error:
        response: dict[str, dict[str, int]] = getattr(error, "response", {})
        sent_again = response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
        if not sent_again or "already exist" not in str(error):
            raise
        return None


def as_text(value: object) -> str:
    """A hyperparameter as SageMaker takes it; numbers come out of KFP's JSON as floats."""
    import json

    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value)


def given(**members: object) -> "dict[str, object]":
    """Members of a request, without those that are not set."""
    return {name: value for name, value in members.items() if value not in ("", 0, {}, [])}


def configuration_in_use(sagemaker: "Client", endpoint: str) -> str:
    """The name of an endpoint's configuration; empty if there is no such endpoint."""
    try:
        return sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    except Exception as error:
        # "Could not find endpoint" is a ValidationException; any other error is an error.
        if error_code(error) == "ValidationException":
            return ""
        raise


def start_once(name: str, create: "Callable[[str], object]", status: "Callable[[str], str]") -> str:
    """Creates a job, unless an earlier try of this task did; gives the job's name.

    A job of an earlier try that failed is left alone, and one with the next name is made.

    Args:
        name: As `unique_name` gives it: no other task's job has it.
        create: Creates the job of a name.
        status: The status of the job of a name.
    """
    for attempt in range(1, 100):
        candidate = name if attempt == 1 else f"{name}-{attempt}"
        try:
            create(candidate)
        except Exception as error:
            if error_code(error) != "ResourceInUse":
                raise
            if status(candidate) not in ("Failed", "Stopped"):
                print(f"Going on with {candidate}, which an earlier try of this task started")
                return candidate
        else:
            return candidate
    raise RuntimeError(f"{name}: a hundred tries of this task have failed")


def new_lines(logs: "Client", group: str, prefix: str, tokens: "dict[str, str]") -> "Iterator[str]":
    """What was written to a job's CloudWatch log streams since `tokens`, which are moved on."""
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=group, logStreamNamePrefix=prefix
    )
    streams = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    for stream in streams:
        label = f"[{stream[len(prefix) :].rsplit('-', 1)[0]}] " if len(streams) > 1 else ""
        more = True
        while more:
            token = {"nextToken": tokens[stream]} if stream in tokens else {}
            answer = logs.get_log_events(
                logGroupName=group, logStreamName=stream, startFromHead=True, **token
            )
            tokens[stream] = answer["nextForwardToken"]
            more = bool(answer["events"])
            yield from (label + event["message"].rstrip("\n") for event in answer["events"])


def log_printer(logs: "Callable[[], Client]", group: str, prefix: str) -> "Callable[[], None]":
    """A function that prints what is new in a job's log.

    A log that cannot be read is said once; it is no reason to lose the job.
    """
    tokens: dict[str, str] = {}
    said: list[str] = []

    def print_new() -> None:
        try:
            for line in new_lines(logs(), group, prefix, tokens):
                print(line, flush=True)
        except Exception as error:
            code = error_code(error)
            if not code:
                raise
            # That there is no log yet is the ordinary beginning.
            if code != "ResourceNotFoundException" and code not in said:
                said.append(code)
                print(f"The job's log cannot be read: {error}", flush=True)

    return print_new


def follow(
    describe: "Callable[[], Document]",
    status: "Callable[[Document], str]",
    final: "tuple[str, ...]",
    print_log: "Callable[[], None]",
    stop: "Callable[[], object]",
) -> "Document":
    """Waits for one of the final statuses, printing statuses and log; gives the description.

    SIGTERM stops the job: it is then followed until it has stopped.
    """
    import signal
    import time

    def on_sigterm(_signal: object, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        print("This task was told to end: stopping the job", flush=True)
        stop()

    before = signal.signal(signal.SIGTERM, on_sigterm)
    shown, pause = "", 0.5
    try:
        while True:
            description = describe()
            now = status(description)
            if now != shown:
                shown, pause = now, 0.5
                print(f"Status: {now}", flush=True)
            print_log()
            if now in final:
                return description
            # Asking is all that AWS offers; quickly at first, and after each change.
            time.sleep(pause)
            pause = min(pause * 1.3, 30.0)
    finally:
        signal.signal(signal.SIGTERM, before)


def called(kind: str) -> str:
    """What people call a kind of job: `TrainingJob` is a Training job."""
    import re

    words = re.sub("(?<!^)(?=[A-Z])", " ", kind.replace("HyperParameter", "Hyperparameter"))
    return words.capitalize()


def operation(client: "Callable[[str], Client]", verb: str, kind: str) -> "Callable[..., Document]":
    """What does something with a kind of job, e.g. describes a `TrainingJob`."""
    import re

    word = re.sub("(?<!^)(?=[A-Z])", "_", kind).lower()
    return getattr(client("sagemaker"), f"{verb}_{word}")


def follow_job(
    client: "Callable[[str], Client]",
    kind: str,
    name: str,
    *,
    logged: bool = True,
    status: "Callable[[Document], str] | None" = None,
) -> "Document":
    """Follows a job to its end; gives its description then.

    Args:
        client: The client of a service; it is asked for each time, as its rights may end.
        kind: What AWS calls it, e.g. `TrainingJob`.
        name: The job's name.
        logged: Whether it has a log of its own.
        status: Its status, if not what its description says.
    """
    group = f"/aws/sagemaker/{kind}s"
    printer = log_printer(lambda: client("logs"), group, f"{name}/")
    return follow(
        describe=lambda: operation(client, "describe", kind)(**{f"{kind}Name": name}),
        status=status or (lambda job: job[f"{kind}Status"]),
        final=("Completed", "Failed", "Stopped"),
        print_log=printer if logged else lambda: None,
        stop=lambda: operation(client, "stop", kind)(**{f"{kind}Name": name}),
    )


def why_not_completed(kind: str, job: "Document") -> str:
    """What became of a job instead; empty if it has completed."""
    status: str = job[f"{kind}Status"]
    return "" if status == "Completed" else job.get("FailureReason") or status


def run_job(
    client: "Callable[[str], Client]",
    kind: str,
    name: str,
    prefix: str,
    request: "Document",
    *,
    logged: bool = True,
) -> "tuple[str, Document]":
    """Makes a job, or goes on with that of an earlier try of this task; exits unless it completes.

    Args:
        client: The client of a service.
        kind: What AWS calls it, e.g. `TrainingJob`.
        name: The job's name; if empty one is made up, with the `prefix`.
        prefix: See `name`.
        request: What is asked for, but for the name.
        logged: Whether it has a log of its own.

    Returns:
        The job's name, and its description at its end.
    """

    def create(one: str) -> "Document":
        return operation(client, "create", kind)(**{f"{kind}Name": one}, **request)

    def status(one: str) -> str:
        return operation(client, "describe", kind)(**{f"{kind}Name": one})[f"{kind}Status"]

    if name:
        create_named(lambda: create(name))
    else:
        name = start_once(unique_name(prefix), create, status)
    print(f"{called(kind)} {name}", flush=True)
    job = follow_job(client, kind, name, logged=logged)
    why = why_not_completed(kind, job)
    if why:
        raise SystemExit(f"{called(kind)} {name}: {why}")
    return (name, job)
