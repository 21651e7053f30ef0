"""Service quotas on real stores: what is refused, and when it is not any more."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.cli import up
from flowmaker.sagemaker.api.service import SageMakerService
from tests.fakes.hosting import Model, create_model, deploy, settled, variant
from tests.fakes.sagemaker import ROLE, XGBOOST, Bench, bench, channel, training_request

TRAINING = "ml.m5.large for training job usage"
SPOT = "ml.m5.large for spot training job usage"
ENDPOINT = "ml.m5.large for endpoint usage"


@pytest.fixture
async def at(tmp_path: Path, model: Model) -> AsyncIterator[Bench]:
    async with bench(tmp_path, model) as made:
        await made.put("train/a.csv", b"1,2\n")
        await create_model(made)
        yield made


def limit(at: Bench, **quotas: int) -> None:
    """Set the quotas, by what they are of."""
    names = {"training": TRAINING, "spot": SPOT, "endpoint": ENDPOINT}
    at.sagemaker = SageMakerService(
        database=at.database,
        objects=at.objects,
        authorizer=at.authorizer,
        sessions=at.sessions,
        hints=at.parts.hints,
        clock=at.parts.clock,
        quotas={names[one]: number for one, number in quotas.items()},
    )


async def train(at: Bench, name: str, count: int, **changes: Any) -> Any:
    resources = {"VolumeSizeInGB": 1, "InstanceCount": count, "InstanceType": "ml.m5.large"}
    given = training_request(TrainingJobName=name, ResourceConfig=resources, **changes)
    return await at.ask("CreateTrainingJob", **given)


def tuning(parallel: int) -> Mapping[str, Any]:
    ranges = {"IntegerParameterRanges": [{"Name": "num_round", "MinValue": "1", "MaxValue": "9"}]}
    resources = {"VolumeSizeInGB": 1, "InstanceCount": 1, "InstanceType": "ml.m5.large"}
    return {
        "HyperParameterTuningJobName": "tuned",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {
                "Type": "Minimize",
                "MetricName": "validation:rmse",
            },
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": 8,
                "MaxParallelTrainingJobs": parallel,
            },
            "ParameterRanges": ranges,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"objective": "reg:squarederror"},
            "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": XGBOOST},
            "RoleArn": ROLE,
            "InputDataConfig": [channel("train", "train/"), channel("validation", "train/")],
            "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
            "ResourceConfig": resources,
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    }


async def test_jobs_share_a_quota_until_they_end(at: Bench) -> None:
    limit(at, training=3)
    at.fill()  # nothing begins
    await train(at, "first", 2)
    with pytest.raises(AwsError) as refused:
        await train(at, "second", 2)
    assert refused.value.code == "ResourceLimitExceeded"
    assert refused.value.message.startswith(
        f"The account-level service limit '{TRAINING}' is 3 Instances, with current utilization of "
        "2 Instances and a request delta of 2 Instances."
    )
    with pytest.raises(AwsError, match="Requested resource not found"):
        await at.ask("DescribeTrainingJob", TrainingJobName="second")
    spot = {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}}
    await train(at, "spot", 2, EnableManagedSpotTraining=True, **spot)
    await at.ask("StopTrainingJob", TrainingJobName="first")
    await at.until(
        lambda: at.ask("DescribeTrainingJob", TrainingJobName="first"),
        lambda one: one["TrainingJobStatus"] == "Stopped",
    )
    await train(at, "third", 3)


async def test_a_tuning_job_needs_all_that_it_may_run_at_once(at: Bench) -> None:
    limit(at, training=3)
    at.fill()
    with pytest.raises(AwsError, match="utilization of 0 Instances and a request delta of 4"):
        await at.ask("CreateHyperParameterTuningJob", **tuning(4))
    await at.ask("CreateHyperParameterTuningJob", **tuning(3))
    with pytest.raises(AwsError, match="utilization of 3 Instances and a request delta of 1"):
        await train(at, "beside", 1)


async def test_an_endpoint_is_not_updated_nor_grows_above_its_quota(at: Bench) -> None:
    limit(at, endpoint=3)
    await deploy(at, variant("v") | {"InitialInstanceCount": 2})
    wanted = {"VariantName": "v", "DesiredInstanceCount": 4}
    with pytest.raises(AwsError, match="utilization of 2 Instances and a request delta of 2"):
        await at.ask(
            "UpdateEndpointWeightsAndCapacities",
            EndpointName="e",
            DesiredWeightsAndCapacities=[wanted],
        )
    with pytest.raises(AwsError, match=f"'{ENDPOINT}' is 3 Instances"):
        await at.ask("UpdateEndpoint", EndpointName="e", EndpointConfigName="e")
    assert (await settled(at))["EndpointStatus"] == "InService"
    await at.ask(
        "CreateEndpointConfig", EndpointConfigName="one", ProductionVariants=[variant("v")]
    )
    await at.ask("UpdateEndpoint", EndpointName="e", EndpointConfigName="one")
    assert (await settled(at))["ProductionVariants"][0]["CurrentInstanceCount"] == 1


def test_a_quota_is_named_as_on_aws() -> None:
    assert up.quota(f"{TRAINING}=2") == (TRAINING, 2)
    for wrong in ("ml.m5.large=2", f"{TRAINING}=many", "ml.m5.large for notebook usage=1"):
        with pytest.raises(up.argparse.ArgumentTypeError, match="is no quota"):
            up.quota(wrong)
