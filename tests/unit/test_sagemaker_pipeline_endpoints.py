"""Steps of pipelines that make endpoints; the model server is played."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from flowmaker.executors.executor import ProcessSpec
from tests.fakes.hosting import Model, create_model, settled, variant
from tests.fakes.sagemaker import Bench, bench
from tests.unit.test_sagemaker_pipelines import create, ended, start, statuses, step, steps, token

CONFIGURE = step(
    "Configure",
    "EndpointConfig",
    {
        "EndpointConfigName": {"Get": "Parameters.Config"},
        "ProductionVariants": [variant("AllTraffic")],
    },
)
SERVE = step(
    "Serve",
    "Endpoint",
    {"EndpointName": "e", "EndpointConfigName": {"Get": "Steps.Configure.EndpointConfigName"}},
)
PARAMETERS = [{"Name": "Config", "Type": "String", "DefaultValue": "first"}]


class Held:
    """Model servers that do not answer before they are let go."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.holds = False
        self.specs: list[ProcessSpec] = []

    def __call__(self, spec: ProcessSpec) -> int | None:
        if not self.holds:
            return self.model(spec)
        self.specs.append(spec)
        return None

    def let_go(self) -> None:
        self.holds = False
        for spec in self.specs:
            self.model(spec)


@pytest.fixture
def held(model: Model) -> Held:
    return Held(model)


@pytest.fixture
async def at(tmp_path: Path, held: Held) -> AsyncIterator[Bench]:
    async with bench(tmp_path, held) as made:
        await create_model(made)
        yield made


async def executed(at: Bench, number: int = 1, config: str = "first") -> tuple[Any, dict[str, Any]]:
    """An execution that has ended, and its steps."""
    given = [{"Name": "Config", "Value": config}]
    arn = await start(at, number, PipelineParameters=given)
    return await ended(at, arn), await steps(at, arn)


async def test_an_endpoint_is_made_and_then_updated(at: Bench) -> None:
    await create(at, CONFIGURE, SERVE, Parameters=PARAMETERS)

    first, made = await executed(at)

    assert first["PipelineExecutionStatus"] == "Succeeded", made
    endpoint = await settled(at)
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "first")
    assert made["Serve"]["Metadata"] == {"Endpoint": {"Arn": endpoint["EndpointArn"]}}
    config = await at.ask("DescribeEndpointConfig", EndpointConfigName="first")
    arn = config["EndpointConfigArn"]
    assert made["Configure"]["Metadata"] == {"EndpointConfig": {"Arn": arn}}
    tags = (await at.ask("ListTags", ResourceArn=endpoint["EndpointArn"]))["Tags"]
    assert {"Key": "sagemaker:pipeline-step-name", "Value": "Serve"} in tags

    second, after = await executed(at, 2, "second")

    assert second["PipelineExecutionStatus"] == "Succeeded", after
    updated = await settled(at)
    assert updated["EndpointConfigName"] == "second"
    assert updated["CreationTime"] == endpoint["CreationTime"], "it is the same endpoint"


async def test_a_configuration_of_another_execution_is_not_taken_for_its_own(at: Bench) -> None:
    await create(at, CONFIGURE, SERVE, Parameters=PARAMETERS)
    await executed(at)
    _, found = await executed(at, 2)
    assert statuses(found) == {"Configure": "Failed"}
    assert "already existing endpoint configuration" in found["Configure"]["FailureReason"]


async def test_a_configuration_may_come_from_the_cache(at: Bench) -> None:
    cached = {**CONFIGURE, "CacheConfig": {"Enabled": True, "ExpireAfter": "PT1H"}}
    await create(at, cached, SERVE, Parameters=PARAMETERS)
    first, _ = await executed(at)
    second, found = await executed(at, 2)
    assert second["PipelineExecutionStatus"] == "Succeeded", found
    source = {"SourcePipelineExecutionArn": first["PipelineExecutionArn"]}
    assert found["Configure"]["CacheHitResult"] == source


async def test_an_update_that_rolls_back_fails_its_step(at: Bench, model: Model) -> None:
    await create(at, CONFIGURE, SERVE, Parameters=PARAMETERS)
    await executed(at)
    model.fails_from = model.started + 1
    execution, found = await executed(at, 2, "second")
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert statuses(found) == {"Configure": "Succeeded", "Serve": "Failed"}
    endpoint = await settled(at)
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "first")
    assert endpoint["FailureReason"] in found["Serve"]["FailureReason"]


async def test_what_the_role_may_not_is_told(at: Bench) -> None:
    await create(at, CONFIGURE, SERVE, Parameters=PARAMETERS)
    await executed(at)
    at.authorizer.forbidden = {"sagemaker:UpdateEndpoint"}
    _, found = await executed(at, 2, "second")
    assert "sagemaker:UpdateEndpoint" in found["Serve"]["FailureReason"]


async def test_an_execution_that_is_stopped_waits_for_its_endpoint(at: Bench, held: Held) -> None:
    held.holds = True
    await create(at, CONFIGURE, SERVE, Parameters=PARAMETERS)
    arn = await start(at)
    await until(at, arn, lambda found: found.get("Serve") == "Executing")
    await at.ask("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=token())
    await until(at, arn, lambda found: found["Serve"] == "Stopping")
    held.let_go()
    assert (await ended(at, arn))["PipelineExecutionStatus"] == "Stopped"
    assert statuses(await steps(at, arn)) == {"Configure": "Succeeded", "Serve": "Stopped"}
    assert (await settled(at))["EndpointStatus"] == "InService"


async def until(at: Bench, arn: str, done: Callable[[dict[str, str]], bool]) -> None:
    await at.until(lambda: steps(at, arn), lambda found: done(statuses(found)))
