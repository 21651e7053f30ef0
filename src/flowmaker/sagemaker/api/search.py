"""Search: everything of one kind that an expression means."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import (
    endpoint_answers,
    experiments,
    expression,
    lists,
    members,
    model_package_groups,
    model_packages,
    pipeline_executions,
    pipelines,
    training_jobs,
    trial_components,
)
from flowmaker.sagemaker.api.desk import Desk, need
from flowmaker.sagemaker.api.experiments import where
from flowmaker.sagemaker.api.tuning_jobs import TuningJobs
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import experiments as repository
from flowmaker.sagemaker.repository import resources

#: AWS's page when MaxResults is not given.
PAGE = 10


@dataclass(frozen=True, slots=True)
class Searchable:
    """A kind of resource: what Search calls it, and what it tells of each."""

    kind: Kind
    described: Callable[[Desk, Resource], Awaitable[dict[str, Any]]]
    #: The member of a result, where it is not the resource's name.
    member: str = ""
    #: What its Describe operation tells and Search does not; one can filter and sort by it.
    untold: frozenset[str] = frozenset()


def _plain(
    described: Callable[[Resource], dict[str, Any]],
) -> Callable[[Desk, Resource], Awaitable[dict[str, Any]]]:
    """What is told of a resource that needs nothing else to be read."""

    async def told(_: Desk, one: Resource) -> dict[str, Any]:
        return described(one)

    return told


async def _tuning_job(desk: Desk, one: Resource) -> dict[str, Any]:
    return await TuningJobs(desk).told(one)


async def _component(desk: Desk, one: Resource) -> dict[str, Any]:
    """The SDK's ExperimentAnalytics goes through these, also where there are none."""
    empty: dict[str, Any] = {"Parameters": {}, "InputArtifacts": {}, "OutputArtifacts": {}}
    return empty | await trial_components.told(desk, one)


def _execution(one: Resource) -> dict[str, Any]:
    given = {"PipelineParameters": list(one.request.get("PipelineParameters", []))}
    return pipeline_executions.described(one) | given


SEARCHABLE = {
    "TrainingJob": Searchable(Kind.TRAINING_JOB, _plain(training_jobs.described)),
    "ModelPackage": Searchable(Kind.MODEL_PACKAGE, _plain(model_packages.described)),
    "ModelPackageGroup": Searchable(
        Kind.MODEL_PACKAGE_GROUP,
        _plain(model_package_groups.described),
        untold=frozenset({"LastModifiedTime"}),
    ),
    "Endpoint": Searchable(
        Kind.ENDPOINT,
        _plain(endpoint_answers.described),
        untold=frozenset(
            {"LastDeploymentConfig", "AsyncInferenceConfig", "PendingDeploymentSummary"}
        ),
    ),
    "HyperParameterTuningJob": Searchable(
        Kind.TUNING_JOB, _tuning_job, untold=frozenset({"Autotune"})
    ),
    "Pipeline": Searchable(Kind.PIPELINE, _plain(pipelines.described)),
    "PipelineExecution": Searchable(
        Kind.PIPELINE_EXECUTION, _plain(_execution), untold=frozenset({"RoleArn", "Tags"})
    ),
    "Experiment": Searchable(Kind.EXPERIMENT, _plain(experiments.described)),
    "ExperimentTrial": Searchable(Kind.TRIAL, _plain(experiments.described), "Trial"),
    "ExperimentTrialComponent": Searchable(Kind.TRIAL_COMPONENT, _component, "TrialComponent"),
}


class SearchOperations:
    """The operation Search."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {"Search": Operation(handler=self.search, needs=_needs)}

    async def search(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        what = given["Resource"]
        if what not in SEARCHABLE:
            members.refuse(call, "Resource", what, f"{', '.join(SEARCHABLE)} can be searched for")
        if given.get("CrossAccountFilterOption") == "CrossAccount":
            return {"Results": []}  # nothing is shared among accounts
        wanted = given.get("SearchExpression", {})
        found = [
            document
            for document in await self._documents(call, SEARCHABLE[what])
            if expression.matches(document, wanted)
        ]
        by = given.get("SortBy", "LastModifiedTime")
        descending = given.get("SortOrder", "Descending") == "Descending"
        found.sort(key=lambda one: expression.sort_key(one, by), reverse=descending)
        start = _start(given.get("NextToken"))
        end = start + given.get("MaxResults", PAGE)
        member = SEARCHABLE[what].member or what
        unknown = SEARCHABLE[what].untold
        answer: dict[str, Any] = {
            "Results": [
                {member: {name: value for name, value in one.items() if name not in unknown}}
                for one in found[start:end]
            ]
        }
        if end < len(found):
            answer["NextToken"] = lists.token((str(end), ""))
        return answer

    async def _documents(self, call: Call, searchable: Searchable) -> list[dict[str, Any]]:
        """All of the kind, described as Search does it, with their tags."""
        found = await self._desk.database.read(
            resources.all_with_tags, searchable.kind, call.account, call.region
        )
        parents: Mapping[str, list[tuple[str, str]]] = {}
        if searchable.kind is Kind.TRIAL_COMPONENT:
            parents = await self._desk.database.read(repository.parents, where(call))
        documents: list[dict[str, Any]] = []
        for one, tags in found:
            document: dict[str, Any] = {"LastModifiedTime": one.modified_at}
            document |= await searchable.described(self._desk, one)
            document["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
            if one.name in parents:
                document["Parents"] = [
                    {"TrialName": trial, "ExperimentName": experiment}
                    for trial, experiment in parents[one.name]
                ]
            documents.append(document)
        return documents


def _start(token: str | None) -> int:
    after = lists.after(token)
    if after is None:
        return 0
    if not after[0].isdecimal():
        raise validation("The NextToken is not one that this operation gave")
    return int(after[0])


async def _needs(call: Call) -> Iterable[Need]:
    return [need(call, "*")]
