"""The components that tune: the published one's program, and the one for KFP 2."""

import json
from pathlib import Path
from typing import Any

import pytest
from kfp import compiler, dsl

from flowmaker.components import sagemaker as sm
from flowmaker.components.published import session, tune
from tests.fakes.stubbed_sagemaker import Stubbed

ROLE = "arn:aws:iam::000000000000:role/role"
ARN = "arn:aws:sagemaker:us-east-1:000000000000:hyper-parameter-tuning-job/hpo"
JOB_ARN = "arn:aws:sagemaker:us-east-1:000000000000:training-job/hpo-001"
CHANNELS = [
    {
        "ChannelName": "train",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/train"}},
    }
]
ETA = {"Name": "eta", "MinValue": "0.1", "MaxValue": "1"}
OBJECTIVE = {"Type": "Minimize", "MetricName": "validation:rmse"}
RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
CONFIG = {
    "Strategy": "Random",
    "HyperParameterTuningJobObjective": OBJECTIVE,
    "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
    "ParameterRanges": {
        "IntegerParameterRanges": [],
        "ContinuousParameterRanges": [ETA],
        "CategoricalParameterRanges": [],
    },
    "TrainingJobEarlyStoppingType": "Off",
}


def _tuning(status: str, **more: object) -> dict[str, Any]:
    counters = {"TrainingJobStatusCounters": {}, "ObjectiveStatusCounters": {}}
    return {
        "HyperParameterTuningJobName": "hpo",
        "HyperParameterTuningJobArn": ARN,
        "HyperParameterTuningJobConfig": CONFIG,
        "HyperParameterTuningJobStatus": status,
        "CreationTime": 0,
        **counters,
        **more,
    }


BEST = {
    "TrainingJobName": "hpo-001",
    "TrainingJobArn": JOB_ARN,
    "CreationTime": 0,
    "TrainingJobStatus": "Completed",
    "TunedHyperParameters": {"eta": "0.3"},
}
TRAINED = {
    "TrainingJobName": "hpo-001",
    "TrainingJobArn": JOB_ARN,
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/out/hpo-001/output/model.tar.gz"},
    "TrainingJobStatus": "Completed",
    "SecondaryStatus": "Completed",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "ResourceConfig": RESOURCES,
    "StoppingCondition": {},
    "CreationTime": 0,
    "HyperParameters": {"eta": "0.3", "_tuning_objective_metric": "validation:rmse"},
}


def _argv(tmp_path: Path, **values: object) -> list[str]:
    given = {
        "region": "us-east-1",
        "role": ROLE,
        "job_name": "hpo",
        "image": "image",
        "strategy": "Random",
        "metric_name": "validation:rmse",
        "metric_type": "Minimize",
        "channels": CHANNELS,
        "continuous_parameters": [ETA],
        "static_parameters": {"num_round": "3"},
        "output_location": "s3://b/out",
        "instance_type": "ml.m5.large",
        "max_num_jobs": 4,
        "max_parallel_jobs": 2,
        **values,
    }
    words: list[str] = []
    for name, value in given.items():
        words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    for name in tune.OUTPUTS:
        words += [f"--{name}_output_path", str(tmp_path / name)]
    return words


def _expect_creation(stubbed: Stubbed) -> None:
    stubbed.expect(
        "sagemaker",
        "create_hyper_parameter_tuning_job",
        {"HyperParameterTuningJobArn": ARN},
        HyperParameterTuningJobName="hpo",
        HyperParameterTuningJobConfig=CONFIG,
        TrainingJobDefinition={
            "StaticHyperParameters": {"num_round": "3"},
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "InputDataConfig": CHANNELS,
            "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
            "ResourceConfig": RESOURCES,
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": False,
        },
    )


def test_the_published_component_from_request_to_outputs(tmp_path: Path) -> None:
    stubbed = Stubbed()
    _expect_creation(stubbed)
    described = ("sagemaker", "describe_hyper_parameter_tuning_job")
    stubbed.expect(*described, _tuning("InProgress"), HyperParameterTuningJobName="hpo")
    stubbed.expect(
        *described, _tuning("Completed", BestTrainingJob=BEST), HyperParameterTuningJobName="hpo"
    )
    stubbed.expect("sagemaker", "describe_training_job", TRAINED, TrainingJobName="hpo-001")
    with stubbed.active():
        tune.main(_argv(tmp_path))
    written = {name: (tmp_path / name).read_text() for name in tune.OUTPUTS}
    assert written["hpo_job_name"] == "hpo"
    assert written["best_job_name"] == "hpo-001"
    assert written["model_artifact_url"] == "s3://b/out/hpo-001/output/model.tar.gz"
    assert json.loads(written["best_hyperparameters"]) == {"eta": "0.3"}
    assert written["training_image"] == "image"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"warm_start_type": "TransferLearning"}, "both warm_start_type and parent_hpo_jobs"),
        ({"image": ""}, "image or algorithm_name"),
    ],
)
def test_what_the_published_component_does_not_take(
    tmp_path: Path, values: dict[str, str], words: str
) -> None:
    with pytest.raises(session.Failed, match=words):
        tune.main(_argv(tmp_path, **values))


def test_the_component_for_kfp_2_compiles(tmp_path: Path) -> None:
    @dsl.pipeline
    def pipeline() -> None:
        tuned = sm.tuning(
            region="us-east-1",
            role=ROLE,
            image="image",
            channels=CHANNELS,
            output_location="s3://b/out",
            metric_name="validation:rmse",
            metric_type="Minimize",
            max_num_jobs=4,
            max_parallel_jobs=2,
            continuous_parameters=[ETA],
        )
        sm.model(
            region="us-east-1",
            role=ROLE,
            model_name="best",
            image="image",
            model_artifact_url=tuned.outputs["model_artifact_url"],
        )

    compiler.Compiler().compile(pipeline, str(tmp_path / "pipeline.yaml"))
    text = (tmp_path / "pipeline.yaml").read_text()
    assert "HyperParameterTuningJob" in text
    assert "best_hyperparameters" in text
