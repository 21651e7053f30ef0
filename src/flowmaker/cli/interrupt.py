"""`flowmaker interrupt`: take the instances of a spot training job away, as AWS may at any time."""

import argparse

from flowmaker.aws.errors import AwsError
from flowmaker.cli import running
from flowmaker.cli.aws_api import AwsApi
from flowmaker.errors import FailedPrecondition, NotFound
from flowmaker.executors import claims
from flowmaker.server.data_folder import DataFolder

#: Seconds from SIGTERM to SIGKILL, as AWS gives.
GRACE = 120.0


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument("job", help="the name of a training job with EnableManagedSpotTraining")


def run(arguments: argparse.Namespace) -> int:
    """Raises FlowmakerError if there is no such job, or it cannot be interrupted now."""
    check(AwsApi(running.find(arguments.data)), arguments.job)
    folders = [
        folder
        for folder in DataFolder(arguments.data).jobs.glob("training-*/")
        if claims.supervisor_pid(folder)
        and claims.variable(folder, "TRAINING_JOB_NAME") == arguments.job
    ]
    if not folders:
        raise FailedPrecondition(f"no instance of {arguments.job} runs at this moment. Try again.")
    for folder in folders:
        claims.stop(folder, GRACE)
    print(
        f"{len(folders)} instances of {arguments.job} have SIGTERM, and {GRACE:.0f} seconds to end."
    )
    return 0


def check(aws: AwsApi, name: str) -> None:
    """Only a spot job that trains can be interrupted.

    Raises:
        NotFound: there is no such job.
        FailedPrecondition: it is none, or does not train.
    """
    try:
        job = aws.call("sagemaker", "DescribeTrainingJob", TrainingJobName=name)
    except AwsError as error:
        raise NotFound(f"no training job is named {name}: {error.message}") from None
    if not job.get("EnableManagedSpotTraining"):
        raise FailedPrecondition(
            f"{name} was not created with EnableManagedSpotTraining: only such jobs are interrupted"
        )
    if job["SecondaryStatus"] != "Training":
        raise FailedPrecondition(
            f"{name} is {job['SecondaryStatus']}: only a job that trains can be interrupted"
        )
