"""Endpoints and batch transform on real stores, with model servers that the test plays."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.sagemaker.container.model_client import ModelClient, ModelUnreachable
from tests.fakes.hosting import Model, create_model, deploy, invoke, settled, variant
from tests.fakes.sagemaker import Bench, bench
from tests.unit.test_sagemaker_processing import keys


@pytest.fixture
async def at(tmp_path: Path, model: Model) -> AsyncIterator[Bench]:
    async with bench(tmp_path, model) as made:
        await create_model(made, b"trees")
        yield made


async def test_an_endpoint_answers_until_it_is_deleted(at: Bench, model: Model) -> None:
    described = await deploy(at)
    assert described["EndpointStatus"] == "InService", described
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert model.artefact == "trees"
    answer = await invoke(at)
    assert answer["Body"] == b"ABC"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    before = model.connections
    for _ in range(5):
        await invoke(at)
    assert model.connections == before, "connections are kept"
    await at.ask("DeleteEndpoint", EndpointName="e")
    async with asyncio.timeout(5):
        with contextlib.suppress(AwsError):
            while await at.ask("DescribeEndpoint", EndpointName="e"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    with pytest.raises(AwsError, match="Endpoint e of account 000000000000 not found") as refused:
        await invoke(at)
    assert refused.value.code == "ValidationError"
    assert len(at.executor.stops) == 1


async def test_variants_are_weighted_and_targeted(at: Bench) -> None:
    await deploy(at, variant("a", 3), variant("b", 1), variant("never", 0))
    at.router.chance.seed(1)
    chosen = [(await invoke(at))["InvokedProductionVariant"] for _ in range(200)]
    assert set(chosen) == {"a", "b"}
    assert 120 < chosen.count("a") < 180
    assert (await invoke(at, TargetVariant="never"))["InvokedProductionVariant"] == "never"
    with pytest.raises(AwsError, match="Variant nobody of endpoint e not found"):
        await invoke(at, TargetVariant="nobody")
    with pytest.raises(AwsError, match=r"TargetModel: the variant .* serves one model"):
        await invoke(at, TargetModel="x.tar.gz")


async def test_the_models_errors_are_passed_on(at: Bench, model: Model) -> None:
    await deploy(at)
    model.answer = lambda _path, _body: (415, b"no such format")
    with pytest.raises(AwsError, match="no such format") as refused:
        await invoke(at)
    assert (refused.value.code, refused.value.status) == ("ModelError", 424)
    assert refused.value.members["OriginalStatusCode"] == 415
    assert refused.value.members["OriginalMessage"] == "no such format"


async def test_a_server_that_dies_is_replaced(at: Bench, model: Model) -> None:
    await deploy(at)
    (first,) = at.executor.started
    model.servers[first].close()
    at.executor.finish(first, -9)
    await at.until(lambda: _running(at, first), bool)
    answer = await at.until(lambda: _try(at), lambda one: one is not None)
    assert answer["Body"] == b"ABC"


async def test_a_server_that_never_comes_up_fails_the_endpoint(at: Bench, model: Model) -> None:
    model.exit_code = 1
    described = await deploy(at)
    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert len(at.executor.started) == 3


async def test_an_artefact_that_is_not_there_fails_the_endpoint(at: Bench) -> None:
    await at.objects.delete("data", "model.tar.gz")
    described = await deploy(at)
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"].startswith("Failed to download model data for container")


async def test_an_update_takes_over_when_it_is_ready(at: Bench) -> None:
    await deploy(at)
    (first,) = at.executor.started
    await at.ask(
        "CreateEndpointConfig", EndpointConfigName="two", ProductionVariants=[variant("Other")]
    )
    await at.ask("UpdateEndpoint", EndpointName="e", EndpointConfigName="two")
    assert (await invoke(at))["InvokedProductionVariant"] == "AllTraffic"
    assert (await settled(at))["EndpointConfigName"] == "two"
    assert (await invoke(at))["InvokedProductionVariant"] == "Other"
    await at.until(lambda: _stopped(at), lambda stopped: stopped == [first])


async def transform(at: Bench, **changes: Any) -> Any:
    request: dict[str, Any] = {
        "TransformJobName": "t",
        "ModelName": "m",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": "s3://data/bt", "AssembleWith": "Line"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
    }
    await at.ask("CreateTransformJob", **(request | changes))
    return await at.until(
        lambda: at.ask("DescribeTransformJob", TransformJobName="t"),
        lambda one: one["TransformJobStatus"] in {"Completed", "Failed", "Stopped"},
    )


async def test_a_transform_waits_for_room(at: Bench) -> None:
    await at.put("in/a.csv", b"a\n")
    leave = at.fill()
    job = asyncio.create_task(transform(at))
    await at.waiting("batch transform job t")
    described = await at.ask("DescribeTransformJob", TransformJobName="t")
    assert described["TransformJobStatus"] == "InProgress"
    assert not at.executor.started
    leave()
    assert (await job)["TransformJobStatus"] == "Completed"
    await at.until(lambda: _held(at), lambda held: not held)


async def test_a_transform_that_waits_for_room_is_stopped_at_once(at: Bench) -> None:
    await at.put("in/a.csv", b"a\n")
    at.fill()
    job = asyncio.create_task(transform(at))
    await at.waiting("batch transform job t")
    await at.ask("StopTransformJob", TransformJobName="t")
    assert (await job)["TransformJobStatus"] == "Stopped"
    await at.waiting()
    assert not at.executor.started


async def _held(at: Bench) -> list[str]:
    return [each.what for each in at.parts.room.room.held()]


async def test_every_object_is_transformed(at: Bench, model: Model) -> None:
    await at.put("in/a.csv", b"a\n\nb\nc")
    await at.put("in/sub/b.csv", b"d\n")
    seen: list[bytes] = []

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        seen.append(body)
        return (404, b"") if path == "/execution-parameters" else (200, body.upper())

    model.answer = answer
    done = await transform(at, BatchStrategy="SingleRecord", MaxConcurrentTransforms=4)
    assert done["TransformJobStatus"] == "Completed", done
    assert await at.content("bt/a.csv.out") == b"A\nB\nC\n"
    assert await at.content("bt/sub/b.csv.out") == b"D\n"
    assert sorted(seen)[1:] == [b"a\n", b"b\n", b"c", b"d\n"]
    (spec,) = at.executor.started.values()
    assert spec.env["SAGEMAKER_BATCH"] == "true"
    assert spec.env["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] == "4"
    await at.until(lambda: _stopped(at), bool)


async def test_what_went_in_and_came_out_is_captured_as_manifests(at: Bench) -> None:
    await at.put("in/a.csv", b"a\n")
    await at.put("in/sub/b.csv", b"b\n")
    capture = {"DestinationS3Uri": "s3://data/captured", "GenerateInferenceId": True}
    done = await transform(at, DataCaptureConfig=capture)
    assert done["TransformJobStatus"] == "Completed", done
    assert done["DataCaptureConfig"] == capture
    hour = f"{done['TransformStartTime'].astimezone(UTC):%Y/%m/%d/%H}"
    names = ["a.csv", "sub/b.csv"]
    assert await manifest(at, f"captured/input/{hour}/") == [{"prefix": "s3://data/in/"}, *names]
    outputs = [f"{name}.out" for name in names]
    assert await manifest(at, f"captured/output/{hour}/") == [{"prefix": "s3://data/bt/"}, *outputs]
    answer, number, then = (await at.content("bt/a.csv.out")).decode().strip().split(",")
    assert (answer, len(number)) == ("A", 36)
    assert then == f"{done['TransformStartTime'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


async def test_one_file_is_captured_by_the_folder_that_it_is_in(at: Bench) -> None:
    await at.put("in/a.csv", b"a\n")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/a"}}
    await transform(
        at,
        DataCaptureConfig={"DestinationS3Uri": "s3://data/captured"},
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
    )
    assert await manifest(at, "captured/input/") == [{"prefix": "s3://data/in/"}, "a.csv"]
    assert await at.content("bt/a.csv.out") == b"A\n", "nothing is added that was not asked for"


async def test_a_role_that_may_not_capture_fails_the_job(at: Bench) -> None:
    await at.put("in/a.csv", b"a\n")
    done = await transform(at, DataCaptureConfig={"DestinationS3Uri": "s3://none/captured"})
    assert done["TransformJobStatus"] == "Failed"
    assert "none" in done["FailureReason"]


async def manifest(at: Bench, prefix: str) -> Any:
    """The one object below a prefix."""
    (name,) = await keys(at, prefix)
    assert name.endswith(".json")
    return json.loads(await at.content(name))


async def test_a_bad_record_fails_the_job_but_not_the_other_files(at: Bench, model: Model) -> None:
    await at.put("in/a.csv", b"good\n")
    await at.put("in/b.csv", b"bad\n")
    model.answer = lambda _path, body: (400, b"cannot read that") if b"bad" in body else (200, body)
    done = await transform(at)
    assert done["TransformJobStatus"] == "Failed"
    assert "s3://data/in/b.csv" in done["FailureReason"]
    assert "cannot read that" in done["FailureReason"]
    assert await at.content("bt/a.csv.out") == b"good\n"
    assert await at.objects.get("data", "bt/b.csv.out") is None


async def test_a_file_larger_than_a_payload_fails_the_job(at: Bench) -> None:
    await at.put("in/a.csv", b"x" * (1 << 20) + b"\n")
    done = await transform(
        at,
        MaxPayloadInMB=1,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}}
        },
    )
    assert done["TransformJobStatus"] == "Failed"
    assert "exceeds MaxPayloadInMB" in done["FailureReason"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"DataProcessing": {"JoinSource": "Other"}}, r"DataProcessing\.JoinSource Other is not"),
        ({"DataProcessing": {"InputFilter": "1:"}}, r"InputFilter: a filter begins with"),
        ({"ModelName": "other"}, "Could not find model"),
        ({"DataCaptureConfig": {"DestinationS3Uri": "data/c"}}, "data/c"),
        (
            {
                "DataCaptureConfig": {"DestinationS3Uri": "s3://data", "GenerateInferenceId": True},
                "TransformOutput": {"S3OutputPath": "s3://data/bt", "Accept": "image/png"},
            },
            "GenerateInferenceId takes",
        ),
        ({"MaxPayloadInMB": 50, "MaxConcurrentTransforms": 3}, "must not exceed 100 MB"),
    ],
)
async def test_a_wrong_transform_is_refused(
    at: Bench, changes: dict[str, Any], message: str
) -> None:
    await at.put("in/a.csv", b"a\n")
    with pytest.raises(AwsError, match=message):
        await transform(at, **changes)


async def test_a_transform_is_stopped(at: Bench, model: Model) -> None:
    await at.put("in/a.csv", b"a\n")
    model.held = asyncio.Event()
    running = asyncio.create_task(transform(at))
    await asyncio.wait_for(model.held.wait(), 5)
    await at.ask("StopTransformJob", TransformJobName="t")
    assert (await running)["TransformJobStatus"] == "Stopped"
    with pytest.raises(AwsError, match="transform job is in status Stopped"):
        await at.ask("StopTransformJob", TransformJobName="t")


async def test_the_client_sends_again_on_a_connection_that_was_closed() -> None:
    hits = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal hits
        await reader.readuntil(b"\r\n\r\n")
        hits += 1
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = ModelClient()
    for _ in range(3):
        assert (await client.get(port, "/ping")).body == b"ok"
    assert hits == 3
    server.close()
    await client.close()
    with pytest.raises(ModelUnreachable, match="connection to the model server"):
        await ModelClient().get(port, "/ping")


async def test_a_server_that_does_not_speak_http_is_no_hang() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    with pytest.raises(ModelUnreachable, match="HTTP"):
        await ModelClient().get(server.sockets[0].getsockname()[1], "/ping")
    server.close()


async def _running(at: Bench, dead: str) -> list[str]:
    return [one for one in at.executor.started if one != dead]


async def _stopped(at: Bench) -> list[str]:
    return [process for process, _ in at.executor.stops]


async def _try(at: Bench) -> Any:
    try:
        return await invoke(at)
    except AwsError:
        return None
