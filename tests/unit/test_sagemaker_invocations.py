"""Invocations beyond one request to one model, on real stores with servers that the test plays."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.aws.service import Reply
from flowmaker.executors.executor import ProcessState
from flowmaker.sagemaker.api import runtime
from flowmaker.sagemaker.controllers import async_inference
from flowmaker.sagemaker.hosting import instances
from flowmaker.sagemaker.hosting.instances import Crowded, Instances
from flowmaker.sagemaker.hosting.invocations import Invocation
from flowmaker.sagemaker.records.resource import Kind
from flowmaker.sagemaker.repository import asynchronous, resources
from tests.fakes.aws_identity import ACCOUNT
from tests.fakes.hosting import Model, create_model, deploy, invoke, packed, settled, variant
from tests.fakes.sagemaker import REGION, ROLE, XGBOOST, Bench, bench, opt_ml
from tests.unit.test_sagemaker_hosting import transform

PLACE = (ACCOUNT, REGION, "e")
CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://data/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}


@pytest.fixture
async def at(tmp_path: Path, model: Model) -> AsyncIterator[Bench]:
    async with bench(tmp_path, model) as made:
        for name in ("models/a", "models/b", "models/c"):
            await made.put(f"{name}.tar.gz", packed(name.encode()))
        await create_model(made, b"model")
        yield made


async def keys(at: Bench, prefix: str) -> list[str]:
    return [one.key for one in await at.objects.walk("data", prefix)]


# --- queues ---


async def test_a_full_queue_turns_requests_away_at_once() -> None:
    lines = Instances()
    assert lines.take("a", working=1)
    assert not lines.take("a", working=1)
    second = asyncio.create_task(lines.wait("a", waiting=1))
    await asyncio.sleep(0)
    with pytest.raises(Crowded):
        await lines.wait("a", waiting=1)
    assert lines.open("a") == 2
    lines.leave("a")
    await second
    lines.leave("a")
    assert lines.open("a") == 0


async def test_who_stops_waiting_takes_no_place() -> None:
    lines = Instances()
    assert lines.take("a", working=1)
    waiting = [asyncio.create_task(lines.wait("a")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    lines.leave("a")
    waiting[1].cancel()  # in the moment in which its turn comes
    await asyncio.gather(*waiting, return_exceptions=True)
    assert not waiting[2].cancelled()
    lines.leave("a")
    assert lines.open("a") == 0


async def test_over_the_bound_of_the_queue_is_throttled(
    at: Bench, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deploy(at)
    model.held = asyncio.Event()
    full = instances.WORKING + instances.WAITING
    asked = [asyncio.create_task(invoke(at)) for _ in range(full)]
    (server,) = at.executor.started
    await at.until(lambda: _open(at, server), lambda count: count == full)
    with pytest.raises(AwsError, match="Rate exceeded") as refused:
        await invoke(at)
    assert (refused.value.code, refused.value.status) == ("ThrottlingException", 429)
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert at.router.instances.open(server) == 0


@pytest.mark.parametrize(
    ("strategy", "among"), [("RANDOM", [2, 2]), ("LEAST_OUTSTANDING_REQUESTS", [2])]
)
async def test_an_instance_is_chosen_at_random_or_by_its_requests(
    at: Bench, model: Model, monkeypatch: pytest.MonkeyPatch, strategy: str, among: list[int]
) -> None:
    """The one that has a request is chosen among both, or not at all."""
    routing = {"RoutingConfig": {"RoutingStrategy": strategy}}
    await deploy(at, variant("v") | routing | {"InitialInstanceCount": 2})
    seen: list[int] = []

    def first(given: Sequence[Any]) -> Any:
        seen.append(len(given))
        return given[0]

    monkeypatch.setattr(at.router.chance, "choice", first)
    model.held = asyncio.Event()
    async with asyncio.TaskGroup() as asking:
        asking.create_task(invoke(at))
        await model.held.wait()
        model.held.clear()
        asking.create_task(invoke(at))
        await model.held.wait()
        model.release.set()
    assert seen == among


async def _open(at: Bench, server: str) -> int:
    return at.router.instances.open(server)


async def test_a_model_that_does_not_answer_in_time_is_a_models_error(
    at: Bench, model: Model
) -> None:
    await deploy(at)
    model.held = asyncio.Event()
    with pytest.raises(AwsError, match="Your invocation timed out while waiting") as refused:
        await at.router.invoke(PLACE, Invocation(body=b"abc", seconds=0.05))
    assert (refused.value.code, refused.value.status) == ("ModelError", 424)
    assert refused.value.members["OriginalStatusCode"] == 0
    assert refused.value.members["LogStreamArn"].endswith("log-group:/aws/sagemaker/Endpoints/e")


async def test_a_payload_has_a_limit(at: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await deploy(at)
    monkeypatch.setattr(runtime, "LARGEST_PAYLOAD", 3)
    assert (await invoke(at, b"abc"))["Body"] == b"ABC"
    with pytest.raises(AwsError, match="payload of 4 bytes exceeds 3 bytes"):
        await invoke(at, b"abcd")


# --- updates ---


async def test_what_is_being_answered_is_not_cut_off(at: Bench, model: Model) -> None:
    await deploy(at)
    (old,) = at.executor.started
    model.held, model.release = asyncio.Event(), asyncio.Event()
    slow = asyncio.create_task(invoke(at))
    await model.held.wait()
    model.held = None
    await at.ask(
        "CreateEndpointConfig", EndpointConfigName="two", ProductionVariants=[variant("Other")]
    )
    await at.ask("UpdateEndpoint", EndpointName="e", EndpointConfigName="two")
    await settled(at)
    assert (await invoke(at))["InvokedProductionVariant"] == "Other"
    assert not at.executor.stops
    model.release.set()
    assert (await slow)["InvokedProductionVariant"] == "AllTraffic"
    await at.until(lambda: _stops(at), lambda stops: stops == [old])


async def _stops(at: Bench) -> list[str]:
    return [process for process, _ in at.executor.stops]


async def test_an_update_that_fails_leaves_what_serves(at: Bench, model: Model) -> None:
    await deploy(at)
    model.exit_code = 1
    await at.ask(
        "CreateEndpointConfig", EndpointConfigName="two", ProductionVariants=[variant("Other")]
    )
    await at.ask("UpdateEndpoint", EndpointName="e", EndpointConfigName="two")
    described = await at.ask("DescribeEndpoint", EndpointName="e")
    assert described["PendingDeploymentSummary"]["EndpointConfigName"] == "two"
    described = await settled(at)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == "e"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert (await invoke(at))["InvokedProductionVariant"] == "AllTraffic"


ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 0,
    }
}


async def test_a_rolling_update_that_fails_brings_the_old_instances_back(
    at: Bench, model: Model
) -> None:
    three = variant("v") | {"InitialInstanceCount": 3}
    await deploy(at, three)
    await at.ask("CreateEndpointConfig", EndpointConfigName="two", ProductionVariants=[three])
    model.fails_from = 5
    await at.ask(
        "UpdateEndpoint", EndpointName="e", EndpointConfigName="two", DeploymentConfig=ROLLING
    )
    described = await settled(at)
    assert described["EndpointConfigName"] == "e"
    assert described["EndpointStatus"] == "InService"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert len(await _running(at)) == 3
    model.fails_from = 1000
    await at.ask(
        "UpdateEndpoint", EndpointName="e", EndpointConfigName="two", DeploymentConfig=ROLLING
    )
    described = await settled(at)
    assert (described["EndpointConfigName"], "FailureReason" in described) == ("two", False)
    await at.ask(
        "UpdateEndpoint", EndpointName="e", EndpointConfigName="e", RetainDeploymentConfig=True
    )
    described = await settled(at)
    assert described["EndpointConfigName"] == "e"
    assert described["LastDeploymentConfig"] == ROLLING
    assert len(await at.until(lambda: _running(at), lambda found: len(found) == 3)) == 3


async def _running(at: Bench) -> list[str]:
    seen = {one: await at.executor.observe(one) for one in at.executor.started}
    return [one for one, what in seen.items() if what.state is ProcessState.RUNNING]


async def test_an_endpoint_in_progress_is_not_changed(at: Bench) -> None:
    await at.ask("CreateEndpointConfig", EndpointConfigName="e", ProductionVariants=[variant("v")])
    await at.ask("CreateEndpoint", EndpointName="e", EndpointConfigName="e")
    for operation, more in (
        ("UpdateEndpoint", {"EndpointConfigName": "e"}),
        ("DeleteEndpoint", {}),
        (
            "UpdateEndpointWeightsAndCapacities",
            {"DesiredWeightsAndCapacities": [{"VariantName": "v", "DesiredInstanceCount": 2}]},
        ),
    ):
        with pytest.raises(AwsError, match='Cannot update in-progress endpoint "arn:aws:'):
            await at.ask(operation, EndpointName="e", **more)


async def test_weights_and_capacities_are_changed(at: Bench) -> None:
    await deploy(at, variant("a", 1), variant("b", 1))
    wanted = [
        {"VariantName": "a", "DesiredWeight": 0.0},
        {"VariantName": "b", "DesiredInstanceCount": 3},
    ]
    await at.ask(
        "UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=wanted
    )
    a, b = (await settled(at))["ProductionVariants"]
    assert (a["CurrentWeight"], b["CurrentInstanceCount"]) == (0, 3)
    assert {(await invoke(at))["InvokedProductionVariant"] for _ in range(20)} == {"b"}
    await at.ask(
        "CreateEndpointConfig",
        EndpointConfigName="two",
        ProductionVariants=[variant("a"), variant("b")],
    )
    await at.ask(
        "UpdateEndpoint",
        EndpointName="e",
        EndpointConfigName="two",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    a, b = (await settled(at))["ProductionVariants"]
    assert (a["CurrentWeight"], b["CurrentInstanceCount"]) == (1, 3)
    with pytest.raises(AwsError, match="has no variant c"):
        await at.ask(
            "UpdateEndpointWeightsAndCapacities",
            EndpointName="e",
            DesiredWeightsAndCapacities=[{"VariantName": "c", "DesiredWeight": 1.0}],
        )


# --- capture ---


async def test_requests_and_answers_are_captured(at: Bench) -> None:
    await deploy(at, DataCaptureConfig=CAPTURE)
    described = await at.ask("DescribeEndpoint", EndpointName="e")
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    await invoke(at, b"1,2", InferenceId="i-1", CustomAttributes="c")
    await at.ask("DeleteEndpoint", EndpointName="e")
    (key,) = await at.until(lambda: keys(at, "captured/"), bool)
    assert key.startswith("captured/e/AllTraffic/20")
    (record,) = [json.loads(line) for line in (await at.content(key)).splitlines()]
    data, about = record["captureData"], record["eventMetadata"]
    assert data["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "1,2",
        "encoding": "CSV",
    }
    assert data["endpointOutput"]["data"] == "1,2"
    assert (about["inferenceId"], about["customAttributes"]) == ("i-1", ["c"])
    assert record["eventVersion"] == "0"


async def test_a_sample_is_captured_in_base64(at: Bench) -> None:
    capture = CAPTURE | {
        "InitialSamplingPercentage": 50,
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    at.router.captures.chance.seed(1)
    await deploy(at, DataCaptureConfig=capture)
    for _ in range(100):
        await invoke(at, b"x")
    await at.ask("DeleteEndpoint", EndpointName="e")
    (key,) = await at.until(lambda: keys(at, "captured/"), bool)
    records = [json.loads(line) for line in (await at.content(key)).splitlines()]
    assert 30 < len(records) < 70
    side = records[0]["captureData"]["endpointInput"]
    assert (side["encoding"], side["data"]) == ("BASE64", "eA==")


async def test_captured_lines_of_a_server_that_was_killed_come_to_s3(at: Bench) -> None:
    await deploy(at, DataCaptureConfig=CAPTURE)
    await invoke(at)
    endpoint_id = next(iter(at.router.captures._files))
    at.router.captures._files.clear()  # what is left of a killed server is on the disk
    at.parts.hints.hint("endpoint", endpoint_id)
    await at.ask("DeleteEndpoint", EndpointName="e")
    assert len(await at.until(lambda: keys(at, "captured/"), bool)) == 1


# --- asynchronous ---

ASYNCHRONOUS = {
    "OutputConfig": {
        "S3OutputPath": "s3://data/out",
        "S3FailurePath": "s3://data/failed",
        "NotificationConfig": {
            "SuccessTopic": "arn:aws:sns:eu-west-1:000000000000:good",
            "ErrorTopic": "arn:aws:sns:eu-west-1:000000000000:bad",
        },
    },
    "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
}


async def invoke_async(at: Bench, **given: Any) -> Any:
    return await at.ask(
        "InvokeEndpointAsync",
        service=at.runtime,
        EndpointName="e",
        ContentType="text/csv",
        **given,
    )


async def notifications(at: Bench) -> list[Any]:
    """What would have gone to topics, so far."""
    group = "/aws/sagemaker/Endpoints/e"
    named = {"logGroupName": group, "logStreamName": "AllTraffic/data-log"}
    try:
        found = await at.ask("GetLogEvents", service=at.logs, startFromHead=True, **named)
    except AwsError:
        return []  # the first one makes the stream
    return [json.loads(event["message"]) for event in found["events"]]


async def test_asynchronous_requests_are_answered_in_s3(at: Bench) -> None:
    await deploy(at, AsyncInferenceConfig=ASYNCHRONOUS)
    with pytest.raises(AwsError, match="is asynchronous: use InvokeEndpointAsync"):
        await invoke(at)
    await at.put("in.csv", b"abc")
    accepted = [await invoke_async(at, InputLocation="s3://data/in.csv") for _ in range(5)]
    assert all(one["InferenceId"] for one in accepted)
    found = await at.until(lambda: keys(at, "out/"), lambda found: len(found) == 5)
    assert {f"s3://data/{key}" for key in found} == {one["OutputLocation"] for one in accepted}
    assert await at.content(found[0]) == b"ABC"
    told = await at.until(lambda: notifications(at), lambda told: len(told) == 5)
    assert {one["topic"].rpartition(":")[2] for one in told} == {"good"}
    message = told[0]["message"]
    assert message["invocationStatus"] == "Completed"
    assert message["requestParameters"]["inputLocation"] == "s3://data/in.csv"
    assert message["responseParameters"]["outputLocation"].startswith("s3://data/out/")


async def test_an_asynchronous_answer_is_where_the_request_wants_it(at: Bench) -> None:
    await deploy(at, AsyncInferenceConfig=ASYNCHRONOUS)
    await at.put("in.csv", b"abc")
    given = {"S3OutputPathExtension": "today/first", "Filename": "answer.csv"}
    accepted = await invoke_async(at, InputLocation="s3://data/in.csv", **given)
    assert accepted["OutputLocation"] == "s3://data/out/today/first/answer.csv"
    await at.until(lambda: keys(at, "out/"), lambda found: found == ["out/today/first/answer.csv"])
    assert await at.content("out/today/first/answer.csv") == b"ABC"


async def test_a_failed_asynchronous_request_leaves_what_the_model_said(
    at: Bench, model: Model
) -> None:
    await deploy(at, AsyncInferenceConfig=ASYNCHRONOUS)
    model.answer = lambda _path, _body: (400, b"no such format")
    accepted = await invoke_async(at, Body=b"abc", InferenceId="i")
    (key,) = await at.until(lambda: keys(at, "failed/"), bool)
    assert accepted["FailureLocation"] == f"s3://data/{key}"
    assert await at.content(key) == b"no such format"
    (told,) = await at.until(lambda: notifications(at), bool)
    assert told["topic"].endswith(":bad")
    assert told["message"]["inferenceId"] == "i"
    assert "no such format" in told["message"]["failureReason"]
    accepted = await invoke_async(at, InputLocation="s3://data/nothing.csv")
    found = await at.until(lambda: keys(at, "failed/"), lambda found: len(found) == 2)
    assert any([b"nothing.csv" in await at.content(one) for one in found])


async def test_what_no_instance_takes_stays_in_the_queue(
    at: Bench, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_inference, "PAUSE", 0.01)
    await deploy(at, AsyncInferenceConfig=ASYNCHRONOUS)
    (first,) = at.executor.started
    model.servers[first].close()
    at.executor.finish(first, -9)
    await invoke_async(at, Body=b"abc")
    (key,) = await at.until(lambda: keys(at, "out/"), bool)
    assert await at.content(key) == b"ABC"
    assert not await keys(at, "failed/")


async def test_what_waits_is_dropped_with_its_endpoint(at: Bench, model: Model) -> None:
    await deploy(at, AsyncInferenceConfig=ASYNCHRONOUS)
    model.held = asyncio.Event()
    for _ in range(5):
        await invoke_async(at, Body=b"abc")
    await model.held.wait()
    await at.ask("DeleteEndpoint", EndpointName="e")
    model.release.set()
    await at.until(lambda: at.database.read(asynchronous.endpoints), lambda found: not found)
    assert 1 <= len(await keys(at, "out/")) <= 2
    assert not await keys(at, "failed/")


async def test_what_is_no_asynchronous_request_is_refused(at: Bench) -> None:
    await deploy(at)
    with pytest.raises(AwsError, match="is not asynchronous"):
        await invoke_async(at, InputLocation="s3://data/in.csv")
    with pytest.raises(AwsError, match="either InputLocation or Body"):
        await invoke_async(at)


# --- several models, several containers ---


async def test_models_are_loaded_when_they_are_asked_for(at: Bench, model: Model) -> None:
    container = {"Image": XGBOOST, "Mode": "MultiModel", "ModelDataUrl": "s3://data/models/"}
    await at.ask("CreateModel", ModelName="many", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    at.router.multi_models.most_loaded = 2
    model.loads = {}
    await deploy(at, variant("v") | {"ModelName": "many"})
    (spec,) = at.executor.started.values()
    assert spec.env["SAGEMAKER_MULTI_MODEL"] == "true"
    for target in ("a", "b", "a"):
        answer = await invoke(at, TargetModel=f"{target}.tar.gz")
        assert answer["Body"] == b"ABC"
    assert len(model.loads) == 2
    urls = [Path(url) for url in model.loads.values()]
    loaded = [opt_ml(spec) / url.relative_to("/opt/ml") / "xgboost-model" for url in urls]
    assert [file.read_text() for file in loaded] == ["models/a", "models/b"]
    await invoke(at, TargetModel="c.tar.gz")
    assert len(model.loads) == 2, "the one that was not asked for the longest is unloaded"
    assert not loaded[1].exists()
    with pytest.raises(AwsError, match=r"Failed to download model data\(bucket: data, key: models"):
        await invoke(at, TargetModel="none.tar.gz")
    with pytest.raises(AwsError, match="serves several models: name one by TargetModel"):
        await invoke(at)


async def test_a_container_without_memory_unloads_a_model_first(at: Bench, model: Model) -> None:
    container = {"Image": XGBOOST, "Mode": "MultiModel", "ModelDataUrl": "s3://data/models/"}
    await at.ask("CreateModel", ModelName="many", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    model.loads, model.room = {}, 1
    await deploy(at, variant("v") | {"ModelName": "many"})
    for target in ("a", "b", "a"):
        await invoke(at, TargetModel=f"{target}.tar.gz")
    assert len(model.loads) == 1


async def test_models_that_are_not_cached_go_with_their_last_request(
    at: Bench, model: Model
) -> None:
    container = {
        "Image": XGBOOST,
        "Mode": "MultiModel",
        "ModelDataUrl": "s3://data/models/",
        "MultiModelConfig": {"ModelCacheSetting": "Disabled"},
    }
    await at.ask("CreateModel", ModelName="many", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    model.loads = {}
    await deploy(at, variant("v") | {"ModelName": "many"})
    (spec,) = at.executor.started.values()
    folder = opt_ml(spec) / "models"

    async def left() -> list[Path]:
        return [*folder.glob("*")]

    for _ in range(2):
        assert (await invoke(at, TargetModel="a.tar.gz"))["Body"] == b"ABC"
        await at.until(left, lambda found: not found)
        assert not model.loads

    model.held = asyncio.Event()
    one, two = (asyncio.create_task(invoke(at, TargetModel="a.tar.gz")) for _ in range(2))
    await asyncio.sleep(0)
    model.release.set()
    assert (await one)["Body"] == (await two)["Body"] == b"ABC"
    await at.until(left, lambda found: not found)
    for _ in range(3):
        both = [invoke(at, TargetModel=f"{name}.tar.gz") for name in "abab"]
        assert [one["Body"] for one in await asyncio.gather(*both)] == [b"ABC"] * 4
    await at.until(left, lambda found: not found)


async def test_a_cache_setting_is_for_several_models(at: Bench) -> None:
    container = {
        "Image": XGBOOST,
        "ModelDataUrl": "s3://data/model.tar.gz",
        "MultiModelConfig": {"ModelCacheSetting": "Disabled"},
    }
    with pytest.raises(AwsError, match="is for containers of Mode MultiModel"):
        await at.ask(
            "CreateModel", ModelName="x", ExecutionRoleArn=ROLE, PrimaryContainer=container
        )


def containers(*names: str) -> list[dict[str, Any]]:
    url = "s3://data/model.tar.gz"
    return [{"Image": XGBOOST, "ModelDataUrl": url, "ContainerHostname": name} for name in names]


async def test_a_request_passes_the_containers_of_a_pipeline(at: Bench, model: Model) -> None:
    await at.ask(
        "CreateModel", ModelName="two", ExecutionRoleArn=ROLE, Containers=containers("x", "y")
    )
    await deploy(at, variant("v") | {"ModelName": "two"})
    assert len(at.executor.started) == 2
    model.answer = lambda _path, body: (200, body + b"!")
    assert (await invoke(at))["Body"] == b"abc!!"
    with pytest.raises(AwsError, match="InferenceExecutionConfig is not Direct"):
        await invoke(at, TargetContainerHostname="x")


async def test_a_batch_passes_the_containers_of_a_pipeline(at: Bench, model: Model) -> None:
    await at.ask(
        "CreateModel", ModelName="two", ExecutionRoleArn=ROLE, Containers=containers("x", "y")
    )
    for name in ("a", "b", "c"):
        await at.put(f"in/{name}.csv", name.encode())
    model.answer = lambda path, body: (404, b"") if path[1] == "e" else (200, body + b"!")
    done = await transform(
        at,
        ModelName="two",
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 2},
    )
    assert done["TransformJobStatus"] == "Completed", done
    assert len(at.executor.started) == 4, "two containers on each of two instances"
    for name in ("a", "b", "c"):
        assert await at.content(f"bt/{name}.csv.out") == f"{name}!!\n".encode()
    group = "/aws/sagemaker/TransformJobs"
    streams = await at.ask("DescribeLogStreams", service=at.logs, logGroupName=group)
    names = {one["logStreamName"].rpartition("/")[2] for one in streams["logStreams"]}
    assert names == {"x", "y"}


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"InferenceExecutionConfig": {"Mode": "Direct"}}, "has InferenceExecutionConfig Direct"),
        ({}, "has Mode MultiModel"),
    ],
)
async def test_what_must_be_named_by_each_request_transforms_no_batch(
    at: Bench, how: dict[str, Any], words: str
) -> None:
    many = {"Image": XGBOOST, "ModelDataUrl": "s3://data/models/", "Mode": "MultiModel"}
    made: dict[str, Any] = {"Containers": containers("x", "y")} if how else {}
    await at.ask(
        "CreateModel",
        ModelName="named",
        ExecutionRoleArn=ROLE,
        **(made or {"PrimaryContainer": many}),
        **how,
    )
    await at.put("in/a.csv", b"1")
    with pytest.raises(AwsError, match=words):
        await transform(at, ModelName="named")


async def test_a_container_is_invoked_directly(at: Bench, model: Model) -> None:
    await at.ask(
        "CreateModel",
        ModelName="two",
        ExecutionRoleArn=ROLE,
        Containers=containers("x", "y"),
        InferenceExecutionConfig={"Mode": "Direct"},
    )
    await deploy(at, variant("v") | {"ModelName": "two"})
    model.answer = lambda _path, body: (200, body + b"!")
    assert (await invoke(at, TargetContainerHostname="y"))["Body"] == b"abc!"
    with pytest.raises(AwsError, match="name one of its containers"):
        await invoke(at)
    with pytest.raises(AwsError, match="Container z not found"):
        await invoke(at, TargetContainerHostname="z")


# --- serverless ---


async def test_a_serverless_variant_sleeps_and_wakes(at: Bench, model: Model) -> None:
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    serverless = {"VariantName": "v", "ModelName": "m", "ServerlessConfig": config}
    described = await deploy(at, serverless)
    (shown,) = described["ProductionVariants"]
    assert shown["CurrentServerlessConfig"] == config
    assert (await invoke(at))["Body"] == b"ABC"
    (endpoint_id,) = await at.database.read(resources.open_ids, Kind.ENDPOINT)
    at.idle_after(0.0)
    at.parts.hints.hint("endpoint", endpoint_id)
    await at.until(lambda: _stops(at), lambda stops: len(stops) == 1)
    at.idle_after(300.0)
    assert (await invoke(at))["Body"] == b"ABC"
    assert len(at.executor.started) == 2
    model.held = asyncio.Event()
    busy = asyncio.create_task(invoke(at))
    await model.held.wait()
    with pytest.raises(AwsError, match="MaxConcurrency of 1") as refused:
        await invoke(at)
    assert refused.value.code == "ThrottlingException"
    busy.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await busy


async def test_a_serverless_variant_that_does_not_wake_is_not_ready(
    at: Bench, model: Model
) -> None:
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    await deploy(at, {"VariantName": "v", "ModelName": "m", "ServerlessConfig": config})
    at.idle_after(0.0)
    for key in await at.database.read(resources.open_ids, Kind.ENDPOINT):
        at.parts.hints.hint("endpoint", key)
    await at.until(lambda: _stops(at), bool)
    model.exit_code = 1
    with pytest.raises(AwsError, match="is still being started") as refused:
        await at.router.invoke(PLACE, Invocation(body=b"abc", seconds=0.2))
    assert (refused.value.code, refused.value.status) == ("ModelNotReadyException", 429)
    with pytest.raises(AwsError, match="bytes of a serverless endpoint"):
        await invoke(at, b"x" * 5_000_000)


async def test_a_serverless_server_that_is_gone_is_no_endless_loop(at: Bench, model: Model) -> None:
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    await deploy(at, {"VariantName": "v", "ModelName": "m", "ServerlessConfig": config})
    (server,) = at.executor.started
    model.servers[server].close()
    await model.servers[server].wait_closed()
    await at.parts.models.close()  # its process runs on, but takes no connection
    with pytest.raises(AwsError, match="No instance of the variant v is ready"):
        await invoke(at)


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ({"InitialInstanceCount": 1}, "does not go with InitialInstanceCount"),
        ({"ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 1}}, "multiple of 1024"),
        (
            {
                "ServerlessConfig": {
                    "MemorySizeInMB": 1024,
                    "MaxConcurrency": 1,
                    "ProvisionedConcurrency": 2,
                }
            },
            "must not be above its MaxConcurrency",
        ),
    ],
)
async def test_wrong_serverless_configurations_are_refused(
    at: Bench, beside: dict[str, Any], message: str
) -> None:
    config = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    wrong = {"VariantName": "v", "ModelName": "m", "ServerlessConfig": config} | beside
    with pytest.raises(AwsError, match=message):
        await at.ask("CreateEndpointConfig", EndpointConfigName="e", ProductionVariants=[wrong])


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ({"RoutingConfig": {"RoutingStrategy": "KV_AWARE"}}, "RoutingStrategy KV_AWARE"),
        ({"ManagedInstanceScaling": {"Status": "ENABLED"}}, "ManagedInstanceScaling"),
        ({"CoreDumpConfig": {"DestinationS3Uri": "s3://data/dumps"}}, "CoreDumpConfig"),
        ({"ModelName": ""}, "endpoints of inference components are not supported"),
    ],
)
async def test_what_variants_do_not_have_is_refused_by_name(
    at: Bench, beside: dict[str, Any], message: str
) -> None:
    with pytest.raises(AwsError, match=message):
        await at.ask(
            "CreateEndpointConfig",
            EndpointConfigName="e",
            ProductionVariants=[variant("v") | beside],
        )


@pytest.mark.parametrize("member", ["SessionId", "InferenceComponentName", "EnableExplanations"])
async def test_what_invocations_do_not_have_is_refused_by_name(at: Bench, member: str) -> None:
    await deploy(at)
    with pytest.raises(AwsError, match=f"{member} is not supported") as refused:
        await invoke(at, **{member: "x"})
    assert refused.value.code == "ValidationError"


# --- streams ---


async def test_an_answer_is_streamed_while_it_comes(at: Bench, model: Model) -> None:
    await deploy(at)
    model.chunks = [b"one", b"two"]
    reply = await stream(at)
    assert reply.parameters["InvokedProductionVariant"] == "AllTraffic"
    assert reply.events is not None
    assert [event async for event in reply.events] == [
        ("PayloadPart", {"Bytes": b"one"}),
        ("PayloadPart", {"Bytes": b"two"}),
    ]
    (server,) = at.executor.started
    assert at.router.instances.open(server) == 0


async def test_a_stream_that_breaks_off_says_so(at: Bench, model: Model) -> None:
    await deploy(at)
    model.chunks, model.breaks_off = [b"one"], True
    reply = await stream(at)
    assert reply.events is not None
    (_, (name, members)) = [event async for event in reply.events]
    assert name == "ModelStreamError"
    assert "broke off" in members["Message"]


async def test_who_reads_no_further_gives_the_place_back(at: Bench, model: Model) -> None:
    await deploy(at)
    model.chunks = [b"one", b"two"]
    reply = await stream(at)
    (server,) = at.executor.started
    assert at.router.instances.open(server) == 1
    assert isinstance(reply.events, AsyncGenerator)
    async with aclosing(reply.events) as events:
        assert await anext(events) == ("PayloadPart", {"Bytes": b"one"})
    assert at.router.instances.open(server) == 0


async def test_a_refused_stream_is_an_error_as_usual(at: Bench, model: Model) -> None:
    await deploy(at)
    model.answer = lambda _path, _body: (400, b"no such format")
    with pytest.raises(AwsError, match="no such format") as refused:
        await stream(at)
    assert refused.value.members["OriginalStatusCode"] == 400


async def stream(at: Bench) -> Reply:
    call = at.call("InvokeEndpointWithResponseStream", EndpointName="e", Body=b"abc")
    answer = await at.runtime.operations()[call.operation].handler(call)
    assert isinstance(answer, Reply)
    return answer
