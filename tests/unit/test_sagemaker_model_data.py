"""ModelDataSource: in which forms a model's data may be in S3, on real stores."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from tests.fakes.hosting import Model, deploy, packed, variant
from tests.fakes.sagemaker import ROLE, XGBOOST, Bench, bench


@pytest.fixture
async def at(tmp_path: Path, model: Model) -> AsyncIterator[Bench]:
    async with bench(tmp_path, model) as made:
        await made.put("plain/xgboost-model", b"plain")
        await made.put("plain/code/inference.py", b"")
        await made.put("plainer/xgboost-model", b"other")
        await made.put("model.tar.gz", packed(b"packed"))
        yield made


def source(uri: str, data_type: str = "S3Prefix", compression: str = "None") -> dict[str, Any]:
    return {"S3Uri": uri, "S3DataType": data_type, "CompressionType": compression}


async def create(at: Bench, **container: Any) -> None:
    await at.ask(
        "CreateModel",
        ModelName="m",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": XGBOOST, **container},
    )


@pytest.mark.parametrize(
    ("given", "content"),
    [
        (source("s3://data/plain/"), "plain"),
        (source("s3://data/plain/xgboost-model", "S3Object"), "plain"),
        (source("s3://data/model.tar.gz", "S3Object", "Gzip"), "packed"),
    ],
)
async def test_a_model_is_read_in_its_form(
    at: Bench, model: Model, given: dict[str, Any], content: str
) -> None:
    data = {"S3DataSource": given}
    await create(at, ModelDataSource=data)
    described = await at.ask("DescribeModel", ModelName="m")
    assert described["PrimaryContainer"]["ModelDataSource"] == data
    assert "ModelDataUrl" not in described["PrimaryContainer"]
    assert (await deploy(at, variant("v")))["EndpointStatus"] == "InService"
    assert model.artefact == content


async def test_a_model_has_what_else_it_names_beside_it(at: Bench, model: Model) -> None:
    packed_one = source("s3://data/model.tar.gz", "S3Object", "Gzip")
    more = [
        {"ChannelName": "draft", "S3DataSource": source("s3://data/plain/")},
        {"ChannelName": "adapter", "S3DataSource": packed_one},
    ]
    await create(at, ModelDataUrl="s3://data/model.tar.gz", AdditionalModelDataSources=more)
    described = await at.ask("DescribeModel", ModelName="m")
    assert described["PrimaryContainer"]["AdditionalModelDataSources"] == more
    assert (await deploy(at, variant("v")))["EndpointStatus"] == "InService"
    (folder,) = (at.folder / "jobs").glob("*/additional-model-data-sources")
    found = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    assert found == {"draft/xgboost-model", "draft/code/inference.py", "adapter/xgboost-model"}
    assert (folder / "adapter" / "xgboost-model").read_text() == model.artefact == "packed"


async def test_a_prefix_without_objects_fails_the_endpoint(at: Bench) -> None:
    await create(at, ModelDataSource={"S3DataSource": source("s3://data/none/")})
    described = await deploy(at, variant("v"))
    assert described["EndpointStatus"] == "Failed"
    assert "from URL: s3://data/none/" in described["FailureReason"]


@pytest.mark.parametrize(
    ("container", "words"),
    [
        (
            {
                "ModelDataUrl": "s3://data/model.tar.gz",
                "ModelDataSource": {"S3DataSource": source("s3://data/plain/")},
            },
            "either ModelDataUrl or ModelDataSource",
        ),
        (
            {"ModelDataSource": {"S3DataSource": source("s3://data/plain")}},
            "of S3DataType S3Prefix must end with a slash",
        ),
        (
            {"ModelDataSource": {"S3DataSource": source("s3://data/plain/", "S3Object")}},
            "must not end with a slash",
        ),
        (
            {"ModelDataSource": {"S3DataSource": source("s3://data/a/", compression="Gzip")}},
            "Gzip goes with S3DataType S3Object",
        ),
        (
            {
                "ModelDataSource": {
                    "S3DataSource": source("s3://data/a/") | {"ManifestS3Uri": "s3://data/m"}
                }
            },
            "ModelDataSource.S3DataSource.ManifestS3Uri is not supported",
        ),
        (
            {
                "AdditionalModelDataSources": [
                    {"ChannelName": "more", "S3DataSource": source("s3://data/a")}
                ]
            },
            "AdditionalModelDataSources: more: S3Uri of S3DataType S3Prefix must end with a slash",
        ),
        (
            {
                "AdditionalModelDataSources": [
                    {"ChannelName": "more", "S3DataSource": source("s3://data/a/")},
                    {"ChannelName": "more", "S3DataSource": source("s3://data/b/")},
                ]
            },
            "ChannelName must be unique",
        ),
        (
            {
                "AdditionalModelDataSources": [
                    {"ChannelName": "..", "S3DataSource": source("s3://data/a/")}
                ]
            },
            "is no ChannelName",
        ),
    ],
)
async def test_what_cannot_be_is_refused(at: Bench, container: dict[str, Any], words: str) -> None:
    with pytest.raises(AwsError, match=words):
        await create(at, **container)
