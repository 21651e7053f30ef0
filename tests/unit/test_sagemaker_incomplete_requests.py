"""Requests without one of their members: they are taken or refused, and never break the server."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import load
from tests.fakes.hosting import create_model, variant
from tests.fakes.sagemaker import ROLE, XGBOOST, bench, training_request
from tests.unit.test_sagemaker_processing import given, output
from tests.unit.test_sagemaker_processing import request as processing
from tests.unit.test_sagemaker_quotas import tuning

MODEL = {"Image": XGBOOST, "ModelDataUrl": "s3://data/model.tar.gz"}
SOURCE = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}}
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 1,
    "DestinationS3Uri": "s3://data/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
WHOLE: Mapping[str, Mapping[str, Any]] = {
    "CreateTrainingJob": training_request(),
    "CreateProcessingJob": processing(
        ProcessingInputs=[given("in", "in/")], ProcessingOutputConfig={"Outputs": [output("o")]}
    ),
    "CreateHyperParameterTuningJob": tuning(2),
    "CreateTransformJob": {
        "TransformJobName": "t",
        "ModelName": "m",
        "TransformInput": {"DataSource": SOURCE, "ContentType": "text/csv"},
        "TransformOutput": {"S3OutputPath": "s3://data/out"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
        "DataCaptureConfig": {"DestinationS3Uri": "s3://data/captured"},
    },
    "CreateModel": {"ModelName": "n", "ExecutionRoleArn": ROLE, "PrimaryContainer": MODEL},
    "CreateEndpointConfig": {
        "EndpointConfigName": "c",
        "ProductionVariants": [variant("v")],
        "DataCaptureConfig": CAPTURE,
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://data/out"}},
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the members of a request are, and those within them."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))


def without(whole: Mapping[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    request = copy.deepcopy(dict(whole))
    at: Any = request
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return request


def is_complete(shape: Any, value: Any) -> bool:
    """Whether all is there that botocore's model requires: else the protocol refuses it."""
    if shape.type_name == "list":
        return all(is_complete(shape.member, one) for one in value)
    if shape.type_name != "structure":
        return True
    members = shape.members
    return all(name in value for name in shape.required_members) and all(
        is_complete(members[name], one) for name, one in value.items()
    )


@pytest.mark.parametrize("operation", WHOLE)
async def test_what_is_left_out_is_refused_or_not_needed(operation: str, tmp_path: Path) -> None:
    shape = load("sagemaker").operation_model(operation).input_shape
    async with bench(tmp_path, lambda _: None) as at:
        for key in ("train/a.csv", "in/a.csv"):
            await at.put(key, b"1,2\n")
        await create_model(at)
        name = shape.required_members[0]
        requests = [without(WHOLE[operation], path) for path in places(WHOLE[operation])]
        asked = [one for one in requests if is_complete(shape, one)]
        taken = 0
        for number, one in enumerate(asked):
            with suppress(AwsError):  # and nothing else
                await at.ask(operation, **{**one, name: f"x{number}"})
                taken += 1
        assert taken, "some members are not needed"
