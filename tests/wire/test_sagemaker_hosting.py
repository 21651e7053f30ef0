"""Endpoints as boto3 sees them, with real model servers: updates under load, limits, streams."""

import io
import json
import tarfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import xgboost
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.house import House
from tests.training import IMAGE, ROLE
from tests.wire.test_sagemaker import Clients, until

BUCKET = "sagemaker-hosting"
CONNECTIONS = 16
SECONDS = 6.0
#: Of a connection between two requests: a machine that is all busy brings no server up soon.
PAUSE = 0.1
SHAP = {"ShapConfig": {"ShapBaselineConfig": {"ShapBaseline": "1"}}}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def archive(bias: float) -> bytes:
    """A model that answers with its bias."""
    data = xgboost.DMatrix(np.array([[0.0], [1.0]]), label=[bias, bias])
    model = xgboost.train({"base_score": bias, "objective": "reg:squarederror"}, data, 1)
    content = bytes(model.save_raw())
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo("xgboost-model")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def make_models(aws: Clients) -> None:
    """Models `one` and `two`, and the configurations of the same names."""
    aws.s3.create_bucket(Bucket=BUCKET)
    for name, bias in (("one", 1.0), ("two", 2.0)):
        key = f"{name}.tar.gz"
        aws.s3.put_object(Bucket=BUCKET, Key=key, Body=archive(bias))
        aws.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{key}"},
        )
        aws.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant("AllTraffic", name)]
        )


def variant(name: str, model: str, count: int = 1) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": count,
        "InstanceType": "ml.m5.large",
    }


def in_service(aws: Clients, name: str) -> Any:
    """The endpoint, once nothing is in progress."""
    done = {"InService", "Failed"}
    describe = aws.sagemaker.describe_endpoint
    return until(lambda: describe(EndpointName=name), lambda one: one["EndpointStatus"] in done)


@pytest.fixture(scope="module")
def aws(server: House) -> Clients:
    clients = Clients(server.environment)
    make_models(clients)
    return clients


@contextmanager
def endpoint(aws: Clients, name: str, config: str = "one") -> Iterator[str]:
    """An endpoint that serves while the block runs."""
    aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    described = in_service(aws, name)
    assert described["EndpointStatus"] == "InService", described
    yield name
    in_service(aws, name)
    aws.sagemaker.delete_endpoint(EndpointName=name)
    gone = aws.sagemaker.get_waiter("endpoint_deleted")
    gone.wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


@dataclass
class Load:
    """Requests on many connections, and what became of them."""

    runtime: Any
    name: str
    answers: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            try:
                for _ in range(CONNECTIONS):
                    pool.submit(self._ask)
                yield self
            finally:
                self._stop.set()

    def _ask(self) -> None:
        while not self._stop.wait(PAUSE):
            try:
                answer = self.runtime.invoke_endpoint(
                    EndpointName=self.name, ContentType="text/csv", Body="1"
                )
                self.answers.append(answer["Body"].read().decode().strip())
            except Exception as error:  # noqa: BLE001 - counted: none may come
                self.failures.append(str(error))


def test_no_request_fails_while_an_endpoint_is_updated(aws: Clients, server: House) -> None:
    config = Config(max_pool_connections=CONNECTIONS, retries={"total_max_attempts": 1})
    runtime = server.client("sagemaker-runtime", config)
    with endpoint(aws, "loaded") as name:
        load = Load(runtime, name)
        with load.running():
            end = time.monotonic() + SECONDS
            for config in ("two", "one"):
                aws.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
                described = in_service(aws, name)
                assert described["EndpointConfigName"] == config
                time.sleep(0.5)
            time.sleep(max(0.0, end - time.monotonic()))
        assert load.failures == []
        assert len(load.answers) > 100
        assert set(load.answers) == {"1.0", "2.0"}


def test_an_update_is_shown_while_it_goes_on_and_shifts_in_steps(aws: Clients) -> None:
    traffic = {
        "Type": "CANARY",
        "WaitIntervalInSeconds": 1,
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
    }
    policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic}}
    with endpoint(aws, "shifted") as name:
        aws.sagemaker.update_endpoint(
            EndpointName=name, EndpointConfigName="two", DeploymentConfig=policy
        )
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            aws.sagemaker.delete_endpoint(EndpointName=name)
        describe = aws.sagemaker.describe_endpoint
        pending = until(
            lambda: describe(EndpointName=name).get("PendingDeploymentSummary"),
            lambda one: one["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Baking",
        )
        assert pending["EndpointConfigName"] == "two"
        assert set(_answers(aws, name, 30)) == {"1.0", "2.0"}
        described = in_service(aws, name)
        assert described["EndpointConfigName"] == "two"
        assert described["LastDeploymentConfig"] == policy
        assert set(_answers(aws, name, 5)) == {"2.0"}


def test_an_update_to_a_broken_model_rolls_back(aws: Clients) -> None:
    aws.s3.put_object(Bucket=BUCKET, Key="broken.tar.gz", Body=b"no archive")
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/broken.tar.gz"}
    aws.sagemaker.create_model(
        ModelName="broken", ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName="broken", ProductionVariants=[variant("AllTraffic", "broken")]
    )
    with endpoint(aws, "kept") as name:
        aws.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="broken")
        described = in_service(aws, name)
        assert described["EndpointStatus"] == "InService"
        assert described["EndpointConfigName"] == "one"
        assert "Failed to download model data" in described["FailureReason"]
        assert _answers(aws, name, 1) == ["1.0"]


def test_instances_are_added_and_removed(aws: Clients) -> None:
    with endpoint(aws, "sized") as name:
        for count in (2, 1):
            aws.sagemaker.update_endpoint_weights_and_capacities(
                EndpointName=name,
                DesiredWeightsAndCapacities=[
                    {"VariantName": "AllTraffic", "DesiredInstanceCount": count}
                ],
            )
            (shown,) = in_service(aws, name)["ProductionVariants"]
            assert (shown["CurrentInstanceCount"], shown["DesiredInstanceCount"]) == (count, count)
            assert set(_answers(aws, name, 5)) == {"1.0"}


def test_an_answer_comes_as_a_stream_of_events(aws: Clients) -> None:
    with endpoint(aws, "streamed") as name:
        ask = aws.runtime.invoke_endpoint_with_response_stream
        answer = ask(EndpointName=name, ContentType="text/csv", Body="1\n2\n")
        assert answer["InvokedProductionVariant"] == "AllTraffic"
        assert answer["ContentType"].startswith("text/csv")
        parts = [event["PayloadPart"]["Bytes"] for event in answer["Body"]]
        assert b"".join(parts) == b"1.0\n1.0\n"
        with pytest.raises(ClientError) as refused:
            ask(EndpointName=name, ContentType="text/csv", Body="x")
        response: Any = refused.value.response
        assert response["Error"]["Code"] == "ModelError"
        assert response["OriginalStatusCode"] == 415


def test_a_shadow_variant_gets_copies_of_what_production_answers(
    aws: Clients, server: House
) -> None:
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName="shadowed",
        ProductionVariants=[variant("live", "one")],
        ShadowProductionVariants=[variant("shadow", "two")],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/captured",
            "CaptureOptions": [{"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        },
    )
    with endpoint(aws, "shadowed", "shadowed") as name:
        assert set(_answers(aws, name, 5)) == {"1.0"}
        now = datetime.now(UTC)

        def invocations(which: str) -> float:
            answer = server.client("cloudwatch").get_metric_statistics(
                Namespace="AWS/SageMaker",
                MetricName="Invocations",
                Dimensions=[
                    {"Name": "EndpointName", "Value": name},
                    {"Name": "VariantName", "Value": which},
                ],
                StartTime=now - timedelta(hours=1),
                EndTime=now + timedelta(hours=1),
                Period=60,
                Statistics=["Sum"],
            )
            return sum(point["Sum"] for point in answer["Datapoints"])

        assert invocations("live") == 5
        assert until(lambda: invocations("shadow"), lambda count: count == 5)
    stored = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix="captured/shadowed/shadow/")["Contents"]
    bodies = [aws.s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in stored]
    lines = [json.loads(line) for body in bodies for line in body.splitlines()]
    said = [line["captureData"]["endpointOutput"]["data"].strip() for line in lines]
    assert said == ["2.0"] * 5


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ExplainerConfig": {"ClarifyExplainerConfig": SHAP}}, "ExplainerConfig"),
        ({"ExecutionRoleArn": ROLE}, "ExecutionRoleArn"),
    ],
)
def test_what_is_not_hosted_is_refused_by_name(
    aws: Clients, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        aws.sagemaker.create_endpoint_config(
            EndpointConfigName="refused", ProductionVariants=[variant("v", "one")], **config
        )


def test_alarms_that_roll_back_are_refused(aws: Clients) -> None:
    with pytest.raises(ClientError, match="AutoRollbackConfiguration"):
        aws.sagemaker.create_endpoint(
            EndpointName="alarmed",
            EndpointConfigName="two",
            DeploymentConfig={"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}},
        )


def test_hosting_is_listed_with_filters(aws: Clients) -> None:
    with endpoint(aws, "listed-1"), endpoint(aws, "listed-2"):
        pages = aws.sagemaker.get_paginator("list_endpoints").paginate(
            NameContains="listed", StatusEquals="InService", SortBy="Name", MaxResults=1
        )
        assert _names(pages, "Endpoints", "EndpointName") == ["listed-2", "listed-1"]
        later = aws.sagemaker.describe_endpoint(EndpointName="listed-2")["CreationTime"]
        later -= timedelta(milliseconds=100)
        page = aws.sagemaker.list_endpoints(NameContains="listed", CreationTimeBefore=later)
        assert [one["EndpointName"] for one in page["Endpoints"]] == ["listed-1"]
        page = aws.sagemaker.list_endpoints(NameContains="listed", StatusEquals="Failed")
        assert page["Endpoints"] == []
    for operation, member, name in (
        ("list_models", "Models", "ModelName"),
        ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    ):
        pages = aws.sagemaker.get_paginator(operation).paginate(
            SortBy="Name", SortOrder="Ascending", MaxResults=1
        )
        found = [one for one in _names(pages, member, name) if one in {"one", "two"}]
        assert found == ["one", "two"]


def _names(pages: Any, member: str, name: str) -> list[str]:
    return [one[name] for page in pages for one in page[member]]


def _answers(aws: Clients, name: str, count: int) -> Sequence[str]:
    answers = [
        aws.runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body="1")
        for _ in range(count)
    ]
    return [answer["Body"].read().decode().strip() for answer in answers]
