"""The published components' programs: their command lines, and the calls that they make."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler, components, dsl

from flowmaker.components.images import rule
from flowmaker.components.published import (
    batch_transform,
    deploy,
    model,
    process,
    session,
    train,
    tune,
)
from flowmaker.components.published.arguments import integer, parse
from flowmaker.errors import Unsupported
from tests.fakes.published import IMAGE, PROGRAMS, component_yaml
from tests.fakes.stubbed_sagemaker import Stubbed

ROLE = "arn:aws:iam::000000000000:role/role"
CHANNELS = [
    {
        "ChannelName": "train",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/train"}},
    }
]
#: The number of inputs and the outputs of each, as component.yaml 1.1.2 has them.
PUBLISHED = {
    train: (28, ("model_artifact_url", "job_name", "training_image")),
    model: (15, ("model_name",)),
    deploy: (27, ("endpoint_name",)),
    batch_transform: (25, ("output_location",)),
    process: (22, ("job_name", "output_artifacts")),
    tune: (
        37,
        (
            "hpo_job_name",
            "model_artifact_url",
            "best_job_name",
            "best_hyperparameters",
            "training_image",
        ),
    ),
}


def argv(tmp_path: Path, **values: object) -> list[str]:
    """As KFP 2 renders a component's arguments: JSON, and every output's file."""
    words = []
    for name, value in {"region": "us-east-1", **values}.items():
        text = value if isinstance(value, str) else json.dumps(value)
        words += [f"--{name}", text]
    for names in PUBLISHED.values():
        for name in names[1]:
            if f"--{name}_output_path" not in words:
                words += [f"--{name}_output_path", str(tmp_path / "outputs" / name / "data")]
    return words


def only_own_outputs(words: list[str], program: Any) -> list[str]:
    kept: list[str] = []
    for name, value in zip(words[::2], words[1::2], strict=True):
        output = name.removeprefix("--").removesuffix("_output_path")
        if not name.endswith("_output_path") or output in program.OUTPUTS:
            kept += [name, value]
    return kept


def output(tmp_path: Path, name: str) -> str:
    return (tmp_path / "outputs" / name / "data").read_text()


@pytest.mark.parametrize("program", PUBLISHED)
def test_inputs_and_outputs_are_the_published_ones(program: Any) -> None:
    count, outputs = PUBLISHED[program]
    assert len(program.INPUTS) == count
    assert len({one.name for one in program.INPUTS}) == count
    assert outputs == program.OUTPUTS


@pytest.mark.parametrize("script", PROGRAMS)
def test_the_image_has_the_scripts_that_the_commands_name(script: str) -> None:
    resolved = rule(IMAGE)
    assert resolved is not None
    assert "boto3==" in resolved.lock
    assert "http" not in resolved.lock
    done = subprocess.run(
        [sys.executable, script],
        cwd=resolved.workdir,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "the following arguments are required: --region" in done.stderr


def test_which_images_are_known() -> None:
    assert rule("amazon/aws-sagemaker-kfp-components:1.1.0") is not None
    assert rule("python:3.11") is None
    with pytest.raises(Unsupported, match=r"version 2\.3\.0 are not here"):
        rule("public.ecr.aws/kubeflow-on-aws/aws-sagemaker-kfp-components:2.3.0")


def test_training_from_request_to_outputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stubbed = Stubbed()
    stubbed.expect(
        "sagemaker",
        "create_training_job",
        {"TrainingJobArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/job"},
        TrainingJobName="job",
        RoleArn=ROLE,
        AlgorithmSpecification={
            "TrainingImage": "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1",
            "TrainingInputMode": "File",
        },
        HyperParameters={"k": "10"},
        InputDataConfig=CHANNELS,
        OutputDataConfig={"S3OutputPath": "s3://b/model"},
        ResourceConfig={"InstanceType": "ml.m4.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30},
        StoppingCondition={"MaxRuntimeInSeconds": 86400},
        EnableNetworkIsolation=False,
        EnableInterContainerTrafficEncryption=False,
        Tags=[{"Key": "a", "Value": "b"}],
    )
    job = _job("InProgress")
    stubbed.expect("sagemaker", "describe_training_job", job, TrainingJobName="job")
    stubbed.refuse("logs", "describe_log_streams", "ResourceNotFoundException")
    stubbed.expect("sagemaker", "describe_training_job", _job("Completed"), TrainingJobName="job")
    stubbed.log("/aws/sagemaker/TrainingJobs", "job/algo-1-123", "[0]\ttrain-msd:1")
    words = argv(
        tmp_path,
        role=ROLE,
        job_name="job",
        algorithm_name="K-Means",
        hyperparameters={"k": "10"},
        channels=CHANNELS,
        instance_count=2,
        model_artifact_path="s3://b/model",
        network_isolation=False,
        traffic_encryption="False",
        tags={"a": "b"},
        endpoint_url="",
        assume_role="",
        image="",
    )
    with stubbed.active():
        train.main(only_own_outputs(words, train))
    assert output(tmp_path, "model_artifact_url") == "s3://b/model/job/output/model.tar.gz"
    assert output(tmp_path, "job_name") == "job"
    assert output(tmp_path, "training_image") == "image"
    assert capsys.readouterr().out.splitlines() == [
        "Training job job is created",
        "Status: InProgress",
        "Status: Completed",
        "[0]\ttrain-msd:1",
    ]


def _job(status: str, **more: object) -> dict[str, Any]:
    return {
        "TrainingJobName": "job",
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/job",
        "TrainingJobStatus": status,
        "SecondaryStatus": "Training",
        "StoppingCondition": {},
        "CreationTime": 0,
        "ResourceConfig": {"VolumeSizeInGB": 1},
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model/job/output/model.tar.gz"},
        **more,
    }


def train_values(tmp_path: Path, **values: object) -> list[str]:
    given = {
        "role": ROLE,
        "image": "image",
        "channels": CHANNELS,
        "job_name": "job",
        "model_artifact_path": "s3://b/m",
        **values,
    }
    return only_own_outputs(argv(tmp_path, **given), train)


def test_a_failed_training_says_why(tmp_path: Path) -> None:
    stubbed = Stubbed()
    stubbed.expect("sagemaker", "create_training_job", {"TrainingJobArn": "arn:" + "a" * 20})
    stubbed.expect(
        "sagemaker", "describe_training_job", _job("Failed", FailureReason="AlgorithmError: k")
    )
    stubbed.refuse("logs", "describe_log_streams", "AccessDeniedException", "not you")
    with stubbed.active(), pytest.raises(session.Failed, match="AlgorithmError: k"):
        train.main(train_values(tmp_path))
    assert not (tmp_path / "outputs").exists()


def test_sigterm_stops_the_job_and_follows_it_to_its_end(tmp_path: Path) -> None:
    stubbed = Stubbed()
    stubbed.expect("sagemaker", "create_training_job", {"TrainingJobArn": "arn:" + "a" * 20})
    stubbed.expect("sagemaker", "describe_training_job", _job("InProgress"))
    stubbed.log("/aws/sagemaker/TrainingJobs", "job/algo-1-1")
    stubbed.expect("sagemaker", "stop_training_job", {}, TrainingJobName="job")
    stubbed.expect("sagemaker", "describe_training_job", _job("Stopped"))
    stubbed.log("/aws/sagemaker/TrainingJobs", "job/algo-1-1")
    before = signal.getsignal(signal.SIGTERM)
    with stubbed.active(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda _: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(session.Failed, match="Training job job: Stopped"):
            train.main(train_values(tmp_path))
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"image": ""}, "Please specify image or algorithm_name"),
        ({"hyperparameters": {"k": 10}}, "Hyperparameters must be strings; these are not: k"),
        ({"spot_instance": True, "max_wait_time": 1}, "max_wait_time must be at least"),
        ({"spot_instance": "True"}, "checkpoint_config must have an S3Uri"),
    ],
)
def test_what_training_refuses(tmp_path: Path, values: dict[str, object], words: str) -> None:
    with pytest.raises(session.Failed, match=words):
        train.main(train_values(tmp_path, **values))


def test_spot_and_vpc(tmp_path: Path) -> None:
    values = train_values(
        tmp_path,
        spot_instance="True",
        max_run_time=60,
        max_wait_time=90,
        checkpoint_config={"S3Uri": "s3://b/c"},
        vpc_subnets="s1,s2",
        vpc_security_group_ids="g",
        metric_definitions={"loss": "loss=(.*)"},
    )
    asked = train.request(parse(train.INPUTS, train.OUTPUTS, values))
    assert asked["EnableManagedSpotTraining"]
    assert asked["StoppingCondition"] == {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90}
    assert asked["CheckpointConfig"] == {"S3Uri": "s3://b/c"}
    assert asked["VpcConfig"] == {"SecurityGroupIds": ["g"], "Subnets": ["s1", "s2"]}
    assert asked["AlgorithmSpecification"]["MetricDefinitions"] == [
        {"Name": "loss", "Regex": "loss=(.*)"}
    ]


def test_model(tmp_path: Path) -> None:
    stubbed = Stubbed()
    stubbed.expect(
        "sagemaker",
        "create_model",
        {"ModelArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m"},
        ModelName="m",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": "image", "ModelDataUrl": "s3://b/model.tar.gz"},
        EnableNetworkIsolation=True,
    )
    words = argv(
        tmp_path,
        model_name="m",
        role=ROLE,
        image="image",
        model_artifact_url="s3://b/model.tar.gz",
        environment="{}",
        secondary_containers="[]",
        network_isolation="True",
    )
    with stubbed.active():
        model.main(only_own_outputs(words, model))
    assert output(tmp_path, "model_name") == "m"


def _endpoint(status: str, config: str, **more: object) -> dict[str, Any]:
    return {
        "EndpointName": "e",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/e",
        "EndpointConfigName": config,
        "EndpointStatus": status,
        "CreationTime": 0,
        "LastModifiedTime": 0,
        **more,
    }


VARIANT = {
    "VariantName": "variant-name-1",
    "ModelName": "m",
    "InitialInstanceCount": 1,
    "InstanceType": "ml.m4.xlarge",
    "InitialVariantWeight": 1.0,
}
ARN = {"EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/e"}
CONFIG_ARN = {"EndpointConfigArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint-config/c"}


def test_a_new_endpoint(tmp_path: Path) -> None:
    stubbed = Stubbed()
    stubbed.expect(
        "sagemaker",
        "create_endpoint_config",
        CONFIG_ARN,
        EndpointConfigName="c",
        ProductionVariants=[VARIANT, {**VARIANT, "VariantName": "two", "ModelName": "n"}],
    )
    stubbed.expect("sagemaker", "create_endpoint", ARN, EndpointName="e", EndpointConfigName="c")
    stubbed.expect("sagemaker", "describe_endpoint", _endpoint("Creating", "c"))
    stubbed.expect("sagemaker", "describe_endpoint", _endpoint("InService", "c"))
    words = argv(
        tmp_path,
        endpoint_name="e",
        endpoint_config_name="c",
        model_name_1="m",
        model_name_2="n",
        variant_name_2="two",
        initial_variant_weight_2="1.0",
    )
    with stubbed.active():
        deploy.main(only_own_outputs(words, deploy))
    assert output(tmp_path, "endpoint_name") == "e"


@pytest.mark.parametrize("rolled_back", [False, True])
def test_an_update_deletes_the_old_configuration_when_it_is_through(
    tmp_path: Path, rolled_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "generated", lambda prefix: f"{prefix}-new")
    stubbed = Stubbed()
    stubbed.expect("sagemaker", "describe_endpoint", _endpoint("InService", "old"))
    stubbed.expect("sagemaker", "create_endpoint_config", CONFIG_ARN)
    stubbed.expect(
        "sagemaker",
        "update_endpoint",
        ARN,
        EndpointName="e",
        EndpointConfigName="EndpointConfig-new",
    )
    stubbed.expect("sagemaker", "describe_endpoint", _endpoint("Updating", "old"))
    after = "old" if rolled_back else "EndpointConfig-new"
    stubbed.expect("sagemaker", "describe_endpoint", _endpoint("InService", after))
    if not rolled_back:
        stubbed.expect("sagemaker", "delete_endpoint_config", {}, EndpointConfigName="old")
    words = only_own_outputs(
        argv(tmp_path, endpoint_name="e", update_endpoint=True, model_name_1="m"), deploy
    )
    with stubbed.active():
        if rolled_back:
            with pytest.raises(session.Failed, match="still has its old configuration"):
                deploy.main(words)
        else:
            deploy.main(words)


def test_an_error_that_is_not_absence_is_not_taken_for_it(tmp_path: Path) -> None:
    stubbed = Stubbed()
    stubbed.refuse("sagemaker", "describe_endpoint", "AccessDeniedException", "no")
    words = only_own_outputs(
        argv(tmp_path, endpoint_name="e", update_endpoint=True, model_name_1="m"), deploy
    )
    with stubbed.active(), pytest.raises(Exception, match="AccessDenied"):
        deploy.main(words)


def test_batch_transform(tmp_path: Path) -> None:
    stubbed = Stubbed()
    stubbed.expect(
        "sagemaker",
        "create_transform_job",
        {"TransformJobArn": "arn:aws:sagemaker:us-east-1:000000000000:transform-job/t"},
        TransformJobName="t",
        ModelName="m",
        MaxConcurrentTransforms=0,
        MaxPayloadInMB=6,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
            "CompressionType": "None",
        },
        TransformOutput={"S3OutputPath": "s3://b/out"},
        TransformResources={"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
        DataProcessing={"JoinSource": "None"},
    )
    job = {
        "TransformJobName": "t",
        "TransformJobArn": "arn:aws:sagemaker:us-east-1:000000000000:transform-job/t",
        "TransformJobStatus": "Completed",
        "ModelName": "m",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}}
        },
        "TransformResources": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
        "CreationTime": 0,
    }
    stubbed.expect("sagemaker", "describe_transform_job", job, TransformJobName="t")
    stubbed.log("/aws/sagemaker/TransformJobs", "t/algo-1-1", "served")
    words = argv(
        tmp_path,
        job_name="t",
        model_name="m",
        input_location="s3://b/in",
        output_location="s3://b/out",
        content_type="text/csv",
        split_type="Line",
        max_concurrent=0,
        batch_strategy="",
    )
    with stubbed.active():
        batch_transform.main(only_own_outputs(words, batch_transform))
    assert output(tmp_path, "output_location") == "s3://b/out"


#: Values of required inputs that not every text is one of.
_REQUIRED = {
    "channels": "[]",
    "metric_type": "Minimize",
    "max_num_jobs": "1",
    "max_parallel_jobs": "1",
}


def _rendered(word: str, component: dict[str, Any]) -> str:
    """A placeholder of the IR as KFP's launcher fills it: text as it is, all else as JSON."""
    found = re.fullmatch(r"{{\$\.inputs\.parameters\['(.*)'\]}}", word)
    if not found:
        return word
    parameter = component["inputDefinitions"]["parameters"][found[1]]
    value = parameter.get("defaultValue", _REQUIRED.get(found[1], "given"))
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("script", PROGRAMS)
def test_a_pipeline_of_the_published_component_fills_the_command_line(
    script: str, tmp_path: Path
) -> None:
    program: Any = PROGRAMS[script]
    component = components.load_component_from_text(component_yaml(script, program))
    required: dict[str, Any] = {
        one.name: 1 if one.parse is integer else (*one.choices, "given")[0]
        for one in program.INPUTS
        if one.default is None
    }
    if "channels" in required:
        required["channels"] = CHANNELS

    @dsl.pipeline(name="one-step")
    def one_step() -> None:
        component(**required)

    compiler.Compiler().compile(one_step, str(tmp_path / "p.yaml"))
    ir = yaml.safe_load((tmp_path / "p.yaml").read_text())
    (executor,) = ir["deploymentSpec"]["executors"].values()
    (definition,) = ir["components"].values()
    words = [_rendered(word, definition) for word in executor["container"]["args"]]
    assert words[0] == script
    values = parse(program.INPUTS, program.OUTPUTS, words[1:])
    for one in program.INPUTS:
        if one.default is not None:
            assert values[one.name] == one.default, one.name
