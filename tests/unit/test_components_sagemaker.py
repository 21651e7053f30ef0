"""The components for KFP 2: they compile, link to each other, and do what they say."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from kfp import compiler, dsl

from flowmaker.components import following
from flowmaker.components import sagemaker as sm
from flowmaker.components.sagemaker.component import PACKAGES
from flowmaker.pipelines.ir import lightweight
from tests.fakes.stubbed_sagemaker import Stubbed

LOCK = Path(following.__file__).with_name("requirements.txt")
ARN = "arn:aws:sagemaker:us-east-1:000000000000:thing/name"


@dsl.pipeline(name="all-four")
def pipeline(bucket: str, role: str, rounds: str = "20") -> None:
    trained = sm.training(
        region="us-east-1",
        role=role,
        image="image",
        channels=[{"ChannelName": "train", "DataSource": {"S3Uri": f"s3://{bucket}/t"}}],
        model_artifact_path=f"s3://{bucket}/m",
        hyperparameters={"num_round": rounds, "max_depth": 3},
    )
    model = sm.model(
        region="us-east-1",
        role=role,
        image=trained.outputs["training_image"],
        model_artifact_url=trained.outputs["model_artifact_url"],
    )
    sm.deploy(region="us-east-1", model_name=model.outputs["model_name"])
    sm.batch_transform(
        region="us-east-1",
        model_name=model.outputs["model_name"],
        input_location=f"s3://{bucket}/t",
        output_location=f"s3://{bucket}/o",
    )


@pytest.fixture(scope="module")
def ir(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("ir") / "p.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    return yaml.safe_load(path.read_text())


def test_every_step_is_lightweight_and_needs_boto3_alone(ir: dict[str, Any]) -> None:
    executors = ir["deploymentSpec"]["executors"]
    assert len(executors) == 4
    for executor in executors.values():
        container = executor["container"]
        assert container["image"] == "python:3.11"
        found = lightweight.recognise(tuple(container["command"]))
        assert found is not None
        assert list(found.requirements) == PACKAGES
        assert "flowmaker" not in found.source
        compile(found.source, "component", "exec")


def test_the_embedded_boto3_is_the_one_of_the_lock() -> None:
    assert PACKAGES[0] in LOCK.read_text()


def test_outputs_are_strings(ir: dict[str, Any]) -> None:
    outputs = {
        name: one["outputDefinitions"]["parameters"] for name, one in ir["components"].items()
    }
    assert set(outputs["comp-training"]) == {"model_artifact_url", "job_name", "training_image"}
    assert {each["parameterType"] for one in outputs.values() for each in one.values()} == {
        "STRING"
    }


def run(component: Any, monkeypatch: pytest.MonkeyPatch, **values: Any) -> tuple[str, ...]:
    monkeypatch.setenv("KFP_POD_UID", "task")
    return component.python_func(**values)


def _training(status: str, **more: object) -> dict[str, Any]:
    return {
        "TrainingJobName": "job",
        "TrainingJobArn": ARN,
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"VolumeSizeInGB": 1},
        "StoppingCondition": {},
        "CreationTime": 0,
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
        **more,
    }


TRAINING = {
    "region": "us-east-1",
    "role": "arn:aws:iam::000000000000:role/role",
    "image": "image",
    "channels": [{"ChannelName": "train", "DataSource": {}}],
    "model_artifact_path": "s3://b",
    "hyperparameters": {"num_round": "20", "max_depth": 3.0, "eta": 0.5},
}


def test_training(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stubbed = Stubbed()
    stubbed.expect(
        "sagemaker",
        "create_training_job",
        {"TrainingJobArn": ARN},
        TrainingJobName="job",
        RoleArn=TRAINING["role"],
        AlgorithmSpecification={
            "TrainingImage": "image",
            "TrainingInputMode": "File",
            "MetricDefinitions": [],
        },
        HyperParameters={"num_round": "20", "max_depth": "3", "eta": "0.5"},
        InputDataConfig=TRAINING["channels"],
        OutputDataConfig={"S3OutputPath": "s3://b"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        StoppingCondition={"MaxRuntimeInSeconds": 86400},
        EnableNetworkIsolation=False,
    )
    stubbed.expect("sagemaker", "describe_training_job", _training("Completed"))
    stubbed.log("/aws/sagemaker/TrainingJobs", "job/algo-1-1", "a line")
    with stubbed.active():
        outputs = run(sm.training, monkeypatch, **TRAINING, job_name="job")
    assert outputs == ("s3://b/model.tar.gz", "job", "image")
    assert "a line" in capsys.readouterr().out


@pytest.mark.parametrize(("before", "name"), [("InProgress", ""), ("Failed", "-2")])
def test_a_second_try_goes_on_with_the_first_ones_job_unless_it_failed(
    monkeypatch: pytest.MonkeyPatch, before: str, name: str
) -> None:
    monkeypatch.setenv("KFP_POD_UID", "task")
    job = following.unique_name("training") + name
    stubbed = Stubbed()
    stubbed.refuse("sagemaker", "create_training_job", "ResourceInUse", "already exists")
    stubbed.expect("sagemaker", "describe_training_job", _training(before))
    if name:
        stubbed.expect("sagemaker", "create_training_job", {"TrainingJobArn": ARN})
    stubbed.expect("sagemaker", "describe_training_job", _training("Completed"))
    stubbed.log("/aws/sagemaker/TrainingJobs", f"{job}/algo-1-1")
    with stubbed.active():
        outputs = run(sm.training, monkeypatch, **TRAINING)
    assert outputs[1] == job


def test_a_failure_is_the_job_s_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed = Stubbed()
    stubbed.expect("sagemaker", "create_training_job", {"TrainingJobArn": ARN})
    stubbed.expect(
        "sagemaker", "describe_training_job", _training("Failed", FailureReason="ClientError: k")
    )
    stubbed.log("/aws/sagemaker/TrainingJobs", "job/algo-1-1")
    with stubbed.active(), pytest.raises(SystemExit, match="job: ClientError: k"):
        run(sm.training, monkeypatch, **TRAINING, job_name="job")


MODEL = {
    "region": "us-east-1",
    "role": "arn:aws:iam::000000000000:role/role",
    "image": "image",
    "model_artifact_url": "s3://b/m",
    "model_name": "m",
}


@pytest.mark.parametrize("there", ["s3://b/m", "s3://b/other"])
def test_a_model_that_is_there_is_taken_only_if_it_is_the_same(
    monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    stubbed = Stubbed()
    stubbed.refuse("sagemaker", "create_model", "ValidationException", "already existing model")
    listed = {"ModelName": "m", "ModelArn": ARN, "CreationTime": 0}
    stubbed.expect("sagemaker", "list_models", {"Models": [listed]}, NameContains="m")
    stubbed.expect(
        "sagemaker",
        "describe_model",
        {
            **listed,
            "ExecutionRoleArn": MODEL["role"],
            "PrimaryContainer": {"Image": "image", "ModelDataUrl": there},
        },
    )
    with stubbed.active():
        if there == MODEL["model_artifact_url"]:
            assert run(sm.model, monkeypatch, **MODEL) == ("m",)
        else:
            with pytest.raises(SystemExit, match="a model m of something else"):
                run(sm.model, monkeypatch, **MODEL)


def _endpoint(status: str, config: str) -> dict[str, Any]:
    return {
        "EndpointName": "e",
        "EndpointArn": ARN,
        "EndpointConfigName": config,
        "EndpointStatus": status,
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }


@pytest.mark.parametrize("exists", [False, True])
def test_deploy_creates_or_updates(monkeypatch: pytest.MonkeyPatch, exists: bool) -> None:
    stubbed = Stubbed()
    stubbed.expect("sagemaker", "create_endpoint_config", {"EndpointConfigArn": ARN})
    monkeypatch.setenv("KFP_POD_UID", "task")
    config = following.unique_name("e")
    if exists:
        stubbed.expect("sagemaker", "describe_endpoint", _endpoint("InService", "old"))
        stubbed.expect(
            "sagemaker",
            "update_endpoint",
            {"EndpointArn": ARN},
            EndpointName="e",
            EndpointConfigName=config,
        )
    else:
        stubbed.refuse("sagemaker", "describe_endpoint", "ValidationException", "Could not find")
        stubbed.expect(
            "sagemaker",
            "create_endpoint",
            {"EndpointArn": ARN},
            EndpointName="e",
            EndpointConfigName=config,
            Tags=[],
        )
    stubbed.expect("sagemaker", "describe_endpoint", _endpoint("Creating", config))
    stubbed.expect("sagemaker", "describe_endpoint", _endpoint("InService", config))
    with stubbed.active():
        assert run(
            sm.deploy, monkeypatch, region="us-east-1", model_name="m", endpoint_name="e"
        ) == ("e",)


def test_batch_transform_sends_only_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed = Stubbed()
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}}
    stubbed.expect(
        "sagemaker",
        "create_transform_job",
        {"TransformJobArn": ARN},
        TransformJobName="t",
        ModelName="m",
        MaxPayloadInMB=6,
        TransformInput={"DataSource": source, "SplitType": "None", "CompressionType": "None"},
        TransformOutput={"S3OutputPath": "s3://b/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        DataProcessing={"JoinSource": "None"},
    )
    job = {
        "TransformJobName": "t",
        "TransformJobArn": ARN,
        "TransformJobStatus": "Completed",
        "ModelName": "m",
        "TransformInput": {"DataSource": source},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "CreationTime": 0,
    }
    stubbed.expect("sagemaker", "describe_transform_job", job)
    stubbed.log("/aws/sagemaker/TransformJobs", "t/algo-1-1")
    with stubbed.active():
        outputs = run(
            sm.batch_transform,
            monkeypatch,
            region="us-east-1",
            model_name="m",
            job_name="t",
            input_location="s3://b/in",
            output_location="s3://b/out",
        )
    assert outputs == ("s3://b/out", "t")


@pytest.mark.parametrize(
    ("value", "text"), [("x", "x"), (3.0, "3"), (0.25, "0.25"), (True, "true"), ([1], "[1]")]
)
def test_hyperparameters_as_text(value: object, text: str) -> None:
    assert following.as_text(value) == text
    assert json.dumps(text)


@pytest.mark.parametrize(
    ("again", "code", "message", "made"),
    [
        (1, "ResourceInUse", "a training job with this name already exists", True),
        (2, "ValidationException", 'Cannot create already existing endpoint "x"', True),
        (0, "ResourceInUse", "a training job with this name already exists", False),
        (1, "ValidationException", "1 validation error detected", False),
    ],
)
def test_what_a_lost_answer_made_is_ones_own(
    again: int, code: str, message: str, made: bool
) -> None:
    """The client sent the request again: the name is taken by its first sending."""

    def create() -> dict[str, Any]:
        answer: Any = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"RetryAttempts": again},
        }
        raise ClientError(answer, "CreateTrainingJob")

    if made:
        assert following.create_named(create) is None
    else:
        with pytest.raises(ClientError):
            following.create_named(create)
