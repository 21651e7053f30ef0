"""The server is killed while an endpoint is updated, and while requests wait for their answers."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.config import Config

from flowmaker.executors import claims
from tests.durability.test_jobs import is_gone, kill
from tests.house import House, start, stop
from tests.wire.test_sagemaker import Clients, until
from tests.wire.test_sagemaker_hosting import (
    BUCKET,
    CONNECTIONS,
    Load,
    in_service,
    make_models,
    variant,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@contextmanager
def hosting(data: Path, config: str) -> Iterator[House]:
    """A server with an endpoint `e`."""
    house = start(data)
    try:
        aws = Clients(house.environment)
        make_models(aws)
        output = {"S3OutputPath": f"s3://{BUCKET}/out"}
        aws.sagemaker.create_endpoint_config(
            EndpointConfigName="async",
            ProductionVariants=[variant("AllTraffic", "one")],
            AsyncInferenceConfig={
                "OutputConfig": output,
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 1},
            },
        )
        aws.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName=config)
        assert in_service(aws, "e")["EndpointStatus"] == "InService"
        yield house
    finally:
        stop(data)


def servers(data: Path) -> list[Path]:
    """The folders of the model servers that run."""
    return [
        job
        for job in data.glob("jobs/endpoint-*/")
        if (pid := claims.supervisor_pid(job)) and not is_gone(pid)
    ]


@pytest.mark.parametrize("moment", ["at once", "started", "ready"])
def test_an_update_survives_the_server(data: Path, moment: str) -> None:
    """Wherever it is killed, the update ends, with one server."""
    with hosting(data, "one") as house:
        aws = Clients(house.environment)
        (old,) = servers(data)
        aws.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="two")
        if moment != "at once":
            until(lambda: servers(data), lambda found: len(found) == 2)
        if moment == "ready":
            until(lambda: _serving(aws), lambda config: config == "two")
        kill(house)

        aws = Clients(start(data).environment)

        described = in_service(aws, "e")
        assert described["EndpointStatus"] == "InService", described
        assert described["EndpointConfigName"] == "two"
        answer = aws.runtime.invoke_endpoint(EndpointName="e", ContentType="text/csv", Body="1")
        assert answer["Body"].read().strip() == b"2.0"
        (new,) = until(lambda: servers(data), lambda found: len(found) == 1)
        assert new != old


def _serving(aws: Clients) -> str:
    return aws.sagemaker.describe_endpoint(EndpointName="e")["EndpointConfigName"]


def test_an_accepted_request_survives_the_server(data: Path) -> None:
    with hosting(data, "async") as house:
        aws = Clients(house.environment)
        aws.s3.put_object(Bucket=BUCKET, Key="in.csv", Body=b"1\n")
        accepted = [
            aws.runtime.invoke_endpoint_async(
                EndpointName="e", ContentType="text/csv", InputLocation=f"s3://{BUCKET}/in.csv"
            )["OutputLocation"]
            for _ in range(20)
        ]
        kill(house)

        aws = Clients(start(data).environment)

        def answered() -> list[str]:
            found = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/").get("Contents", [])
            return sorted(f"s3://{BUCKET}/{one['Key']}" for one in found)

        until(answered, lambda found: found == sorted(accepted))
        body = aws.s3.get_object(Bucket=BUCKET, Key=accepted[0].partition(f"{BUCKET}/")[2])["Body"]
        assert body.read() == b"1.0\n"


def test_a_server_that_was_killed_is_replaced_meanwhile_others_answer(data: Path) -> None:
    with hosting(data, "one") as house:
        aws = Clients(house.environment)
        aws.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="e",
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
        )
        in_service(aws, "e")
        config = Config(max_pool_connections=CONNECTIONS)
        load = Load(house.client("sagemaker-runtime", config), "e")
        with load.running():
            victim = servers(data)[0]
            pid = claims.supervisor_pid(victim)
            assert pid
            os.kill(pid, signal.SIGKILL)  # the server dies with it
            until(lambda: servers(data), lambda found: len(found) == 2 and victim not in found)
        assert load.answers
        assert load.failures == []
