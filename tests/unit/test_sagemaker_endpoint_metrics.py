"""CloudWatch's metrics of endpoints, with a model server that the test plays."""

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.cloudwatch.service import CloudWatchService
from flowmaker.aws.errors import AwsError
from flowmaker.executors.usage import Usage
from flowmaker.sagemaker.controllers import endpoint
from flowmaker.sagemaker.hosting.invocations import Invocation
from tests.fakes.aws_identity import ACCOUNT
from tests.fakes.hosting import Model, create_model, deploy, invoke, variant
from tests.fakes.sagemaker import REGION, Bench, bench


@pytest.fixture
async def at(tmp_path: Path, model: Model) -> AsyncIterator[Bench]:
    async with bench(tmp_path, model) as made:
        await create_model(made)
        yield made


async def sums(at: Bench, statistic: str = "Sum") -> dict[str, float]:
    """Of all that is listed of the endpoint's one variant."""
    service = CloudWatchService(at.database, at.parts.clock, [at.router.measures])
    listed = await at.ask("ListMetrics", service=service, Namespace="AWS/SageMaker")
    now = at.parts.clock.now()
    found: dict[str, float] = {}
    for one in listed["Metrics"]:
        assert one["Dimensions"] == [
            {"Name": "EndpointName", "Value": "e"},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ]
        answer: Any = await at.ask(
            "GetMetricStatistics",
            service=service,
            **one,
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600 * 24,
            Statistics=[statistic],
        )
        found[one["MetricName"]] = sum(point[statistic] for point in answer["Datapoints"])
    return found


async def test_requests_errors_and_latencies_are_counted(at: Bench, model: Model) -> None:
    await deploy(at, variant("AllTraffic") | {"InitialInstanceCount": 2})
    await invoke(at)
    for status in (400, 503):
        model.answer = lambda _path, _body, status=status: (status, b"no")
        with pytest.raises(AwsError, match="from primary"):
            await invoke(at)
    with pytest.raises(AwsError, match="not found"):
        await invoke(at, TargetVariant="other")
    found = await sums(at)
    latencies = found.pop("ModelLatency"), found.pop("OverheadLatency")
    assert min(latencies) > 0
    assert found == {
        "Invocations": 3,
        "InvocationsPerInstance": 1.5,
        "Invocation4XXErrors": 1,
        "Invocation5XXErrors": 1,
        "InvocationModelErrors": 2,
    }
    await invoke_to_the_end(at, model)
    again = await sums(at, "SampleCount")
    assert set(again.values()) == {4}


async def invoke_to_the_end(at: Bench, model: Model) -> None:
    """A streamed answer."""
    model.chunks = [b"one", b"two"]
    place = (ACCOUNT, REGION, "e")
    async with at.router.stream(place, Invocation(body=b"x")) as streamed:
        assert [piece async for piece in streamed.answer]


async def test_an_asynchronous_endpoint_has_those_that_it_has_on_aws(
    at: Bench, model: Model
) -> None:
    output = {"OutputConfig": {"S3OutputPath": "s3://data/answers"}}
    await deploy(at, AsyncInferenceConfig=output)
    invocation = Invocation(body=b"x", asynchronous=True)
    await at.router.invoke((ACCOUNT, REGION, "e"), invocation)
    assert (await sums(at)).keys() == {
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "InvocationModelErrors",
        "ModelLatency",
    }


async def test_instances_of_endpoints_are_measured(
    at: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "LOOK", 0.1)
    await deploy(at, variant("AllTraffic"))
    (process,) = at.executor.started
    seconds = itertools.count(10)
    namespace = "/aws/sagemaker/Endpoints"
    service = CloudWatchService(at.database, at.parts.clock)

    async def listed() -> dict[str, Any]:
        at.executor.usages[process] = Usage(cpu_seconds=next(seconds) * 0.1, memory=1 << 30)
        answer = await at.ask("ListMetrics", service=service, Namespace=namespace)
        return {one["MetricName"]: one for one in answer["Metrics"]}

    found = await at.until(listed, lambda names: len(names) == 2)
    now = at.parts.clock.now()
    answer = await at.ask(
        "GetMetricStatistics",
        service=service,
        **found["MemoryUtilization"],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Maximum"],
    )
    assert answer["Datapoints"][0]["Maximum"] == pytest.approx(100 / 8), "1 GiB of ml.m5.large"
    assert answer["Datapoints"][0]["Unit"] == "Percent"
