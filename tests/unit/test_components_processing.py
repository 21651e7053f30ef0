"""The components that process: the published one's program, and the one for KFP 2."""

import json
from pathlib import Path
from typing import Any

import pytest
from kfp import compiler, dsl

from flowmaker.components import sagemaker as sm
from flowmaker.components.published import process, session
from tests.fakes.stubbed_sagemaker import Stubbed

ROLE = "arn:aws:iam::000000000000:role/role"
ARN = "arn:aws:sagemaker:us-east-1:000000000000:processing-job/job"
OUTPUTS = [
    {
        "OutputName": "o",
        "S3Output": {
            "S3Uri": "s3://b/o",
            "LocalPath": "/opt/ml/processing/o",
            "S3UploadMode": "EndOfJob",
        },
    }
]
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}


def _job(status: str, **more: object) -> dict[str, Any]:
    return {
        "ProcessingJobName": "job",
        "ProcessingJobArn": ARN,
        "ProcessingJobStatus": status,
        "ProcessingResources": {"ClusterConfig": CLUSTER},
        "AppSpecification": {"ImageUri": "image"},
        "ProcessingOutputConfig": {"Outputs": OUTPUTS},
        "CreationTime": 0,
        **more,
    }


def _argv(tmp_path: Path, **values: object) -> list[str]:
    given = {
        "region": "us-east-1",
        "role": ROLE,
        "job_name": "job",
        "image": "image",
        "instance_type": "ml.m5.large",
        "container_entrypoint": ["python3", "p.py"],
        "container_arguments": ["--n", 3],
        "output_config": OUTPUTS,
        **values,
    }
    words: list[str] = []
    for name, value in given.items():
        words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    for name in process.OUTPUTS:
        words += [f"--{name}_output_path", str(tmp_path / name)]
    return words


def test_the_published_component_from_request_to_outputs(tmp_path: Path) -> None:
    stubbed = Stubbed()
    stubbed.expect(
        "sagemaker",
        "create_processing_job",
        {"ProcessingJobArn": ARN},
        ProcessingJobName="job",
        ProcessingOutputConfig={"Outputs": OUTPUTS},
        ProcessingResources={"ClusterConfig": CLUSTER},
        StoppingCondition={"MaxRuntimeInSeconds": 86400},
        AppSpecification={
            "ImageUri": "image",
            "ContainerEntrypoint": ["python3", "p.py"],
            "ContainerArguments": ["--n", "3"],
        },
        NetworkConfig={
            "EnableInterContainerTrafficEncryption": False,
            "EnableNetworkIsolation": True,
        },
        RoleArn=ROLE,
    )
    stubbed.expect("sagemaker", "describe_processing_job", _job("Completed"))
    stubbed.log("/aws/sagemaker/ProcessingJobs", "job/algo-1-1")
    with stubbed.active():
        process.main(_argv(tmp_path))
    assert (tmp_path / "job_name").read_text() == "job"
    assert json.loads((tmp_path / "output_artifacts").read_text()) == {"o": "s3://b/o"}


def test_the_published_component_says_why_it_failed(tmp_path: Path) -> None:
    stubbed = Stubbed()
    stubbed.expect("sagemaker", "create_processing_job", {"ProcessingJobArn": ARN})
    failed = _job("Failed", FailureReason="AlgorithmError: no")
    stubbed.expect("sagemaker", "describe_processing_job", failed)
    stubbed.log("/aws/sagemaker/ProcessingJobs", "job/algo-1-1")
    with stubbed.active(), pytest.raises(session.Failed, match="Processing job job: Algorithm"):
        process.main(_argv(tmp_path))


def test_the_published_component_needs_an_output(tmp_path: Path) -> None:
    with pytest.raises(session.Failed, match="at least one output"):
        process.main(_argv(tmp_path, output_config=[]))


def test_the_component_from_request_to_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed = Stubbed()
    stubbed.expect(
        "sagemaker",
        "create_processing_job",
        {"ProcessingJobArn": ARN},
        ProcessingJobName="job",
        ProcessingOutputConfig={"Outputs": OUTPUTS},
        ProcessingResources={"ClusterConfig": CLUSTER},
        StoppingCondition={"MaxRuntimeInSeconds": 86400},
        AppSpecification={"ImageUri": "image", "ContainerEntrypoint": ["python3"]},
        RoleArn=ROLE,
    )
    stubbed.expect("sagemaker", "describe_processing_job", _job("Completed"))
    stubbed.log("/aws/sagemaker/ProcessingJobs", "job/algo-1-1")
    monkeypatch.setenv("KFP_POD_UID", "task")
    component: Any = sm.processing
    with stubbed.active():
        outputs = component.python_func(
            region="us-east-1",
            role=ROLE,
            image="image",
            container_entrypoint=["python3"],
            output_config=OUTPUTS,
            job_name="job",
        )
    assert outputs == ({"o": "s3://b/o"}, "job")


def test_the_component_compiles_and_links(tmp_path: Path) -> None:
    @dsl.pipeline(name="processes")
    def pipeline(role: str) -> None:
        one = sm.processing(
            region="us-east-1", role=role, image="image", container_entrypoint=["python3"]
        )
        sm.processing(
            region="us-east-1",
            role=role,
            image="image",
            container_entrypoint=["python3"],
            environment=one.outputs["output_artifacts"],
        )

    compiler.Compiler().compile(pipeline, str(tmp_path / "p.yaml"))
