"""Shadow variants: what they get and what nobody hears of, with servers that the test plays."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.sagemaker.hosting.instances import WORKING
from tests.fakes.aws_identity import ACCOUNT
from tests.fakes.hosting import Model, deploy, invoke, packed, settled, variant
from tests.fakes.sagemaker import REGION, ROLE, XGBOOST, Bench, bench

CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://data/captured",
    "CaptureOptions": [{"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}


class Models(Model):
    """Counts what comes. A broken server takes connections, and closes them."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bytes] = []
        self.answer = self._counted
        self.broken = ""
        self.breaks = 0

    def _counted(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/invocations":
            self.asked.append(body)
        return 200, body.upper()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broken = self.servers.get(self.broken)
        if broken and writer.get_extra_info("sockname") == broken.sockets[0].getsockname():
            self.breaks += 1
            writer.close()
        else:
            await super()._talk(reader, writer)


@pytest.fixture
async def model() -> AsyncIterator[Models]:
    played = Models()
    yield played
    await played.close()


@pytest.fixture
async def at(tmp_path: Path, model: Models) -> AsyncIterator[Bench]:
    async with bench(tmp_path, model) as made:
        await made.put("model.tar.gz", packed(b""))
        container = {"Image": XGBOOST, "ModelDataUrl": "s3://data/model.tar.gz"}
        for name, role in (("m", "PrimaryContainer"), ("pipeline", "Containers")):
            containers: Any = container if role == "PrimaryContainer" else [container, container]
            await made.ask(
                "CreateModel", ModelName=name, ExecutionRoleArn=ROLE, **{role: containers}
            )
        yield made
        await made.router.close()


async def shadow_server(at: Bench) -> str:
    """The process of the shadow variant."""
    route = await at.router.routes.find((ACCOUNT, REGION, "e"))
    assert route is not None
    return route.fleet.shadows[0].servers[0].process_id


async def counted(model: Models, count: int) -> None:
    async with asyncio.timeout(5):
        while len(model.asked) < count:  # noqa: ASYNC110 - nobody tells of copies
            await asyncio.sleep(0.01)


async def test_a_shadow_gets_copies_and_its_answers_are_only_captured(
    at: Bench, model: Models
) -> None:
    described = await deploy(
        at,
        variant("live"),
        ShadowProductionVariants=[variant("shadow")],
        DataCaptureConfig=CAPTURE,
    )
    assert [one["VariantName"] for one in described["ProductionVariants"]] == ["live"]
    assert [one["VariantName"] for one in described["ShadowProductionVariants"]] == ["shadow"]
    config = await at.ask("DescribeEndpointConfig", EndpointConfigName="e")
    assert config["ShadowProductionVariants"] == [variant("shadow")]
    assert len(at.executor.started) == 2
    for n in range(4):
        answer = await invoke(at, b"x%d" % n)
        assert (answer["InvokedProductionVariant"], answer["Body"]) == ("live", b"X%d" % n)
    await counted(model, 8)
    assert sorted(model.asked) == sorted(b"x%d" % n for n in range(4) for _ in range(2))
    with pytest.raises(AwsError, match="Variant shadow of endpoint e not found"):
        await invoke(at, TargetVariant="shadow")
    await at.ask("DeleteEndpoint", EndpointName="e")
    stored = await at.until(lambda: at.objects.walk("data", "captured/e/shadow/"), bool)
    lines = [line for one in stored for line in (await at.content(one.key)).splitlines()]
    outputs = [json.loads(line)["captureData"]["endpointOutput"]["data"] for line in lines]
    assert sorted(outputs) == ["X0", "X1", "X2", "X3"]


async def test_its_weight_is_the_share_that_is_copied(at: Bench, model: Models) -> None:
    await deploy(at, variant("live", 2.0), ShadowProductionVariants=[variant("shadow", 0.5)])
    at.router.chance.seed(7)
    for _ in range(200):
        await invoke(at)
    await asyncio.sleep(0.05)
    assert 30 < len(model.asked) - 200 < 70, "a quarter"
    wanted = {"VariantName": "shadow", "DesiredWeight": 0.0, "DesiredInstanceCount": 2}
    await at.ask(
        "UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=[wanted]
    )
    (shadow,) = (await settled(at))["ShadowProductionVariants"]
    assert (shadow["CurrentWeight"], shadow["CurrentInstanceCount"]) == (0.0, 2)
    model.asked.clear()
    for _ in range(20):
        await invoke(at)
    await asyncio.sleep(0.05)
    assert len(model.asked) == 20


async def test_nobody_hears_of_a_broken_shadow(at: Bench, model: Models) -> None:
    await deploy(at, variant("live"), ShadowProductionVariants=[variant("shadow")])
    model.broken = await shadow_server(at)
    await at.parts.models.close()  # pings have left a connection
    assert (await invoke(at))["Body"] == b"ABC"
    async with asyncio.timeout(5):
        while not model.breaks or at.router.instances.open(model.broken):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert model.asked == [b"abc"]


async def test_nobody_waits_for_a_shadow(at: Bench, model: Models) -> None:
    await deploy(at, variant("live"), ShadowProductionVariants=[variant("shadow")])
    shadow = await shadow_server(at)
    for _ in range(WORKING):
        assert at.router.instances.take(shadow)
    await invoke(at)
    await asyncio.sleep(0.05)
    assert model.asked == [b"abc"], "a copy that finds no place is dropped"


@pytest.mark.parametrize(
    ("variants", "config", "words"),
    [
        ([variant("a"), variant("b")], {}, "takes one variant, and one in ProductionVariants"),
        ([variant("shadow")], {}, "must be unique"),
        ([variant("a") | {"ModelName": "pipeline"}], {}, "must have one container"),
        (
            [variant("a")],
            {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://data/out"}}},
            "do not go with AsyncInferenceConfig",
        ),
    ],
)
async def test_what_cannot_have_a_shadow_is_told(
    at: Bench, variants: list[dict[str, Any]], config: dict[str, Any], words: str
) -> None:
    with pytest.raises(AwsError, match=words):
        await deploy(at, *variants, ShadowProductionVariants=[variant("shadow")], **config)
