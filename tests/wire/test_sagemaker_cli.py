"""`aws sagemaker`: jobs and an endpoint made and waited for with nothing but the command.

The command's waiters look every 30 or 60 seconds, at once for the first time: so each is started
when what it waits for is there.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.house import House
from tests.training import IMAGE, ROLE
from tests.wire.test_sagemaker import Clients, until

BUCKET = "sagemaker-cli"
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


class Aws:
    """The command, and a look at what it started."""

    def __init__(self, server: House, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._clients = Clients(server.environment)

    def __call__(self, *arguments: str, **given: Any) -> Any:
        """The JSON that `aws sagemaker …` prints; `given` is the request of a `create-…`."""
        if given:
            file = self._folder / "request.json"
            file.write_text(json.dumps(given))
            arguments = (*arguments, "--cli-input-json", f"file://{file}")
        printed = self._server.run("aws", "sagemaker", *arguments)
        return json.loads(printed) if printed else None

    def ended(self, kind: str, name: str) -> None:
        """Until the job is over, sooner than the command's waiter would see it."""
        describe = getattr(self._clients.sagemaker, f"describe_{kind.lower()}_job")
        until(
            lambda: describe(**{f"{kind}JobName": name})[f"{kind}JobStatus"],
            lambda status: status != "InProgress",
        )

    def endpoint(self, name: str, *, there: bool) -> None:
        """Until it is in service, or gone."""
        until(
            lambda: [
                one["EndpointStatus"]
                for one in self._clients.sagemaker.list_endpoints(NameContains=name)["Endpoints"]
            ],
            lambda found: found == (["InService"] if there else []),
        )


@pytest.fixture(scope="module")
def aws(server: House, tmp_path_factory: pytest.TempPathFactory) -> Aws:
    s3 = Clients(server.environment).s3
    s3.create_bucket(Bucket=BUCKET)
    rows = [f"{int(a + b > 9)},{a},{b}" for a in range(10) for b in range(10)]
    s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
    s3.put_object(Bucket=BUCKET, Key="batch/records.csv", Body="1,2\n9,9\n")
    return Aws(server, tmp_path_factory.mktemp("cli"))


def source(prefix: str) -> dict[str, Any]:
    return {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}"}}


def test_jobs_and_an_endpoint_are_waited_for(aws: Aws) -> None:
    aws(
        "create-training-job",
        TrainingJobName="cli",
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn=ROLE,
        InputDataConfig=[
            {"ChannelName": "train", "ContentType": "text/csv", "DataSource": source("train")}
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig=CLUSTER | {"VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={"num_round": "5", "objective": "binary:logistic"},
    )
    aws(
        "create-processing-job",
        ProcessingJobName="cli",
        RoleArn=ROLE,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
        ProcessingResources={"ClusterConfig": CLUSTER | {"VolumeSizeInGB": 1}},
    )
    aws.ended("Training", "cli")
    aws("wait", "training-job-completed-or-stopped", "--training-job-name", "cli")
    trained = aws("describe-training-job", "--training-job-name", "cli")
    assert trained["TrainingJobStatus"] == "Completed"
    container = {"Image": IMAGE, "ModelDataUrl": trained["ModelArtifacts"]["S3ModelArtifacts"]}
    aws("create-model", ModelName="cli", ExecutionRoleArn=ROLE, PrimaryContainer=container)

    aws(
        "create-transform-job",
        TransformJobName="cli",
        ModelName="cli",
        TransformInput={
            "DataSource": source("batch"),
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/out"},
        TransformResources=CLUSTER,
    )
    only = {"VariantName": "v", "ModelName": "cli", "InstanceType": "ml.m5.large"}
    aws(
        "create-endpoint-config",
        EndpointConfigName="cli",
        ProductionVariants=[only | {"InitialInstanceCount": 1}],
    )
    aws("create-endpoint", "--endpoint-name", "cli", "--endpoint-config-name", "cli")
    aws.ended("Processing", "cli")
    aws("wait", "processing-job-completed-or-stopped", "--processing-job-name", "cli")
    aws.ended("Transform", "cli")
    aws("wait", "transform-job-completed-or-stopped", "--transform-job-name", "cli")

    aws.endpoint("cli", there=True)
    aws("wait", "endpoint-in-service", "--endpoint-name", "cli")
    aws("delete-endpoint", "--endpoint-name", "cli")
    aws.endpoint("cli", there=False)
    aws("wait", "endpoint-deleted", "--endpoint-name", "cli")


def test_a_job_that_failed_ends_the_wait_with_an_error(aws: Aws) -> None:
    aws(
        "create-processing-job",
        ProcessingJobName="failing",
        RoleArn=ROLE,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["false"]},
        ProcessingResources={"ClusterConfig": CLUSTER | {"VolumeSizeInGB": 1}},
    )
    aws.ended("Processing", "failing")
    with pytest.raises(AssertionError, match="terminal failure state"):
        aws("wait", "processing-job-completed-or-stopped", "--processing-job-name", "failing")
