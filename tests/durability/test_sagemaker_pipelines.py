"""The server is killed during an execution of a pipeline: no step makes two jobs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.durability.test_jobs import kill
from tests.house import start, stop
from tests.training import IMAGE, ROLE, training
from tests.wire.test_sagemaker import BUCKET, Clients, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

DATA = {"Get": "Steps.First.ModelArtifacts.S3ModelArtifacts"}


def test_an_execution_survives_the_server(data: Path) -> None:
    house = start(data)
    try:
        aws = Clients(house.environment)
        aws.s3.create_bucket(Bucket=BUCKET)
        rows = [f"{int(a * b > 20)},{a},{b}" for a in range(10) for b in range(10)]
        aws.s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
        aws.sagemaker.create_pipeline(
            PipelineName="kept", PipelineDefinition=_definition(), RoleArn=ROLE
        )
        arn = aws.sagemaker.start_pipeline_execution(PipelineName="kept")["PipelineExecutionArn"]
        # At once, while jobs are being made; then when one has ended and others run.
        kill(house)
        house = start(data)
        aws = Clients(house.environment)
        until(lambda aws=aws: _steps(aws, arn), lambda now: now.get("First") == "Succeeded")
        kill(house)
        house = start(data)
        aws = Clients(house.environment)

        execution = until(
            lambda: aws.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
            lambda one: one["PipelineExecutionStatus"] != "Executing",
        )

        assert execution["PipelineExecutionStatus"] == "Succeeded", _steps(aws, arn)
        names = ("First", "Long", "Make", "Keep")
        assert _steps(aws, arn) == dict.fromkeys(names, "Succeeded")
        assert len(list((data / "jobs").glob("training-*-algo-1/pid.json"))) == 2
        assert len(aws.sagemaker.list_training_jobs()["TrainingJobSummaries"]) == 2
        assert len(aws.sagemaker.list_models()["Models"]) == 1
        kept = aws.sagemaker.list_model_packages(ModelPackageGroupName="kept")
        assert len(kept["ModelPackageSummaryList"]) == 1
    finally:
        stop(data)


def _steps(aws: Clients, arn: str) -> dict[str, str]:
    found = aws.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
    return {one["StepName"]: one["StepStatus"] for one in found["PipelineExecutionSteps"]}


def _definition() -> str:
    container = {"Image": IMAGE, "ModelDataUrl": DATA}
    version = {
        "ModelPackageGroupName": "kept",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    }
    steps = [
        _train("First", 3),
        _train("Long", 1500),
        _step("Make", "Model", {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}),
        _step("Keep", "RegisterModel", version),
    ]
    return json.dumps({"Version": "2020-12-01", "Steps": steps})


def _step(name: str, kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments}


def _train(name: str, rounds: int) -> dict[str, Any]:
    parameters = {"num_round": str(rounds), "nthread": "1"}
    return _step(name, "Training", training(BUCKET, HyperParameters=parameters))
