"""Lists and Search: their orders and filters where the request says nothing, and of each kind."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import load
from tests.fakes.hosting import Model, create_model, deploy
from tests.fakes.sagemaker import ROLE, Bench, bench, training_request
from tests.unit.test_sagemaker_pipelines import definition, step, token
from tests.unit.test_sagemaker_quotas import tuning


@pytest.fixture
async def at(tmp_path: Path, model: Model) -> AsyncIterator[Bench]:
    async with bench(tmp_path, lambda one: model(one) if one.argv[-1] == "serve" else None) as made:
        await made.put("train/a.csv", b"1,2\n")
        yield made


async def train(at: Bench, name: str, keep: int = 0) -> None:
    resources = training_request()["ResourceConfig"]
    resources |= {"KeepAlivePeriodInSeconds": keep} if keep else {}
    await at.ask(
        "CreateTrainingJob", **training_request(TrainingJobName=name, ResourceConfig=resources)
    )


async def trained(at: Bench, **wanted: Any) -> list[str]:
    answer = await at.ask("ListTrainingJobs", **wanted)
    return [one["TrainingJobName"] for one in answer["TrainingJobSummaries"]]


async def test_training_jobs_are_listed_by_their_warm_pools(at: Bench) -> None:
    await train(at, "kept", keep=600)
    await train(at, "plain")
    assert await trained(at, WarmPoolStatusEquals="InUse") == ["kept"]
    assert await trained(at, WarmPoolStatusEquals="Terminated") == []

    await at.ask("StopTrainingJob", TrainingJobName="kept")
    await at.until(lambda: trained(at, WarmPoolStatusEquals="Terminated"), bool)

    assert await trained(at, WarmPoolStatusEquals="Terminated") == ["kept"]
    assert await trained(at, WarmPoolStatusEquals="InUse") == []
    for status in ("Available", "Reused"):
        assert await trained(at, WarmPoolStatusEquals=status) == [], "nothing is ever kept"
    kept, plain = (await at.ask("ListTrainingJobs"))["TrainingJobSummaries"]
    assert kept["WarmPoolStatus"]["Status"] == "Terminated"
    assert "WarmPoolStatus" not in plain
    plan = "arn:aws:sagemaker:eu-west-1:000000000000:training-plan/p"
    assert await trained(at, TrainingPlanArnEquals=plan) == [], "no job has one"


async def test_tuning_jobs_are_listed_by_name(at: Bench) -> None:
    for name in ("b", "c", "a"):
        await at.ask(
            "CreateHyperParameterTuningJob", **{**tuning(1), "HyperParameterTuningJobName": name}
        )

    async def names(**wanted: Any) -> list[str]:
        answer = await at.ask("ListHyperParameterTuningJobs", **wanted)
        found = answer["HyperParameterTuningJobSummaries"]
        return [one["HyperParameterTuningJobName"] for one in found]

    assert await names() == ["a", "b", "c"]
    assert await names(SortOrder="Descending") == ["c", "b", "a"]
    assert await names(SortBy="CreationTime") == ["b", "c", "a"]


async def test_packages_and_groups_are_listed_from_the_oldest(at: Bench) -> None:
    for name in ("b", "a"):
        await at.ask("CreateModelPackageGroup", ModelPackageGroupName=name)
        await at.ask("CreateModelPackage", ModelPackageGroupName="b")
    groups = await at.ask("ListModelPackageGroups")
    listed = [one["ModelPackageGroupName"] for one in groups["ModelPackageGroupSummaryList"]]
    assert listed == ["b", "a"]
    packages = await at.ask("ListModelPackages", ModelPackageGroupName="b")
    versions = [one["ModelPackageVersion"] for one in packages["ModelPackageSummaryList"]]
    assert versions == [1, 2]


async def test_models_of_the_very_time_are_listed_but_jobs_are_not(at: Bench) -> None:
    """AWS lists models from a time on, and jobs after it."""
    await create_model(at)
    made = (await at.ask("DescribeModel", ModelName="m"))["CreationTime"]
    instant = timedelta(microseconds=1)
    for after, expected in ((made, 1), (made + instant, 0), (made - instant, 1)):
        assert len((await at.ask("ListModels", CreationTimeAfter=after))["Models"]) == expected
    await train(at, "job")
    begun = (await at.ask("DescribeTrainingJob", TrainingJobName="job"))["CreationTime"]
    assert await trained(at, CreationTimeAfter=begun) == []
    assert await trained(at, CreationTimeAfter=begun - instant) == ["job"]


async def search(at: Bench, resource: str, name: str, value: str) -> list[Mapping[str, Any]]:
    filters = [{"Name": name, "Operator": "Equals", "Value": value}]
    answer = await at.ask("Search", Resource=resource, SearchExpression={"Filters": filters})
    shape: Any = load("sagemaker").operation_model("Search").output_shape
    known = set(shape.members["Results"].member.members[resource].members)
    found = [one[resource] for one in answer["Results"]]
    assert all(set(one) <= known for one in found), "nothing is told that Search has no word for"
    return found


async def test_search_finds_endpoints(at: Bench) -> None:
    await create_model(at)
    await deploy(at, Tags=[{"Key": "team", "Value": "vision"}])
    (one,) = await search(at, "Endpoint", "EndpointStatus", "InService")
    assert one["EndpointName"] == "e"
    assert await search(at, "Endpoint", "ProductionVariants.VariantName", "AllTraffic") == [one]
    assert await search(at, "Endpoint", "EndpointConfigName", "another") == []


async def test_search_finds_tuning_jobs(at: Bench) -> None:
    await at.ask("CreateHyperParameterTuningJob", **tuning(1))
    of_job = "HyperParameterTuningJob"
    (one,) = await search(at, of_job, "HyperParameterTuningJobConfig.Strategy", "Random")
    assert one["HyperParameterTuningJobName"] == "tuned"
    assert await search(at, of_job, "HyperParameterTuningJobStatus", "Failed") == []


async def test_search_finds_pipelines_and_their_executions(at: Bench) -> None:
    parameter = {"Name": "Message", "Type": "String"}
    text = definition(
        step("Poor", "Fail", {"ErrorMessage": {"Get": "Parameters.Message"}}),
        Parameters=[parameter],
    )
    await at.ask(
        "CreatePipeline",
        PipelineName="Flowers",
        PipelineDefinition=text,
        RoleArn=ROLE,
        ClientRequestToken=token(),
    )
    given = [{"Name": "Message", "Value": "wilted"}]
    started = await at.ask(
        "StartPipelineExecution",
        PipelineName="Flowers",
        ClientRequestToken=token(1),
        PipelineParameters=given,
    )
    (pipeline,) = await search(at, "Pipeline", "PipelineName", "Flowers")
    assert (pipeline["PipelineStatus"], pipeline["RoleArn"]) == ("Active", ROLE)

    async def failed() -> list[Mapping[str, Any]]:
        return await search(at, "PipelineExecution", "PipelineExecutionStatus", "Failed")

    (execution,) = await at.until(failed, bool)
    assert execution["PipelineExecutionArn"] == started["PipelineExecutionArn"]
    assert execution["PipelineParameters"] == given
    both = {who: await at.ask("ListPipelines", ManagedBy=who) for who in ("CUSTOMER", "AWS")}
    assert [len(both[who]["PipelineSummaries"]) for who in ("CUSTOMER", "AWS")] == [1, 0]


async def test_search_finds_what_is_ones_own(at: Bench) -> None:
    await train(at, "job")
    own = await at.ask("Search", Resource="TrainingJob", CrossAccountFilterOption="SameAccount")
    assert len(own["Results"]) == 1
    shared = await at.ask("Search", Resource="TrainingJob", CrossAccountFilterOption="CrossAccount")
    assert shared["Results"] == []


async def test_what_cannot_be_searched_for_is_refused_by_name(at: Bench) -> None:
    with pytest.raises(AwsError, match="Resource FeatureGroup is not supported"):
        await at.ask("Search", Resource="FeatureGroup")
