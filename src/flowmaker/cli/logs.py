"""`flowmaker logs`: what a run's tasks, a SageMaker job or an endpoint print."""

import argparse
import sys
from collections.abc import Iterator

from flowmaker.aws.errors import AwsError
from flowmaker.cli import job_logs, run_logs, running
from flowmaker.cli.aws_api import AwsApi
from flowmaker.cli.kfp_api import KfpApi
from flowmaker.cli.naming import Named, meant
from flowmaker.errors import FailedPrecondition, InvalidInput, NotFound

#: The states of what ended well.
_WELL = frozenset({"SUCCEEDED", "Completed", "Stopped", "InService"})


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "what",
        metavar="RUN|JOB",
        help="a run by its id, the beginning of it, or its name; a job or endpoint by its name",
    )
    command.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="go on until it has ended; the exit code is then 1 when it failed",
    )
    command.add_argument("--task", default="", metavar="NAME", help="only this task of the run")


def run(arguments: argparse.Namespace) -> int:
    server = running.find(arguments.data)
    kfp, aws = KfpApi(server), AwsApi(server)
    try:
        what = find(arguments.what, kfp, aws)
        if what.kind != "run" and arguments.task:
            raise InvalidInput(f"{what.address} has no tasks: leave --task away")
        lines = _lines(what, kfp, aws, arguments)
        prefixes = arguments.follow or what.kind != "run" or _has_several(kfp, what)
        _show(lines, prefixes=prefixes and not arguments.task)
        return _end(what, kfp, aws) if arguments.follow else 0
    except AwsError as error:
        raise FailedPrecondition(f"{error.code}: {error.message}") from None


def find(text: str, kfp: KfpApi, aws: AwsApi | None) -> Named:
    """What `text` means. Without `aws` it is a run.

    Raises:
        NotFound: none.
        InvalidInput: several.
    """
    try:
        return _named(kfp.run(text.removeprefix("run/")))
    except (NotFound, FailedPrecondition):
        known = [_named(each) for each in kfp.runs()]
        return meant(text, known + (job_logs.known(aws) if aws else []))


def _named(run: "run_logs.Task") -> Named:
    return Named(
        kind="run", id=run["run_id"], name=run["display_name"], state=run.get("state", "PENDING")
    )


def _has_several(kfp: KfpApi, run: Named) -> bool:
    return len(kfp.tasks(kfp.run(run.id))) > 1


def _lines(
    what: Named, kfp: KfpApi, aws: AwsApi, arguments: argparse.Namespace
) -> Iterator[tuple[str, str]]:
    if what.kind != "run":
        return job_logs.lines(aws, what, follow=arguments.follow)
    logs = run_logs.RunLogs(kfp, what.id, arguments.task)
    return logs.follow() if arguments.follow else logs.now()


def _show(lines: Iterator[tuple[str, str]], *, prefixes: bool) -> None:
    width = 0
    for label, line in lines:
        width = max(width, len(label))
        print(f"{label:<{width}} | {line}" if prefixes else line, flush=True)


def _end(what: Named, kfp: KfpApi, aws: AwsApi) -> int:
    """Say how it ended; the exit code."""
    if what.kind == "run":
        run = kfp.run(what.id)
        state, why = run["state"], run.get("error", {}).get("message", "")
    else:
        try:
            state, why = job_logs.state(aws, what)
        except AwsError:
            state, why = "gone", ""
    told = f": {why.partition(chr(10))[0]}" if why else ""
    print(f"[flowmaker] {what.address} is {state}{told}", file=sys.stderr)
    return 0 if state in _WELL else 1
