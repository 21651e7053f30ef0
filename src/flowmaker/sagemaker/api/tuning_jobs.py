"""CreateHyperParameterTuningJob and what is asked of tuning jobs after it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import lists, members, stopping, tuning_definitions, warm_start
from flowmaker.sagemaker.api.autotune import autotuned
from flowmaker.sagemaker.api.desk import Desk, arn, creation_needs, in_use, need
from flowmaker.sagemaker.api.training_jobs import check_request, check_role, told_algorithm
from flowmaker.sagemaker.lifecycle import training, trial_requests
from flowmaker.sagemaker.lifecycle import tuning as lifecycle
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.records.training import TrainingState
from flowmaker.sagemaker.records.tuning import Counts, Search, Trial, TuningState
from flowmaker.sagemaker.repository import resources, trials

KIND = Kind.TUNING_JOB
NAME = "HyperParameterTuningJobName"


class TuningJobs:
    """The operations on hyperparameter tuning jobs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateHyperParameterTuningJob": Operation(handler=self.create, needs=_create_needs),
            "DescribeHyperParameterTuningJob": Operation(handler=self.describe, needs=_needs),
            "StopHyperParameterTuningJob": Operation(handler=self.stop, needs=_needs),
            "DeleteHyperParameterTuningJob": Operation(handler=self.delete, needs=_needs),
            "ListHyperParameterTuningJobs": Operation(handler=self.list, needs=_list_needs),
            "ListTrainingJobsForHyperParameterTuningJob": Operation(
                handler=self.list_trials, needs=_needs
            ),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        call = replace(call, parameters=dict(autotuned(call.parameters)))
        name = call.parameters[NAME]
        resource_arn = arn(call, KIND, name)
        duplicate = in_use(KIND, resource_arn)
        if await self._desk.find(call, KIND, name):
            raise duplicate
        searches = tuning_definitions.check(call)
        for one in tuning_definitions.training_calls(call, searches):
            check_request(self._desk, one)
            await check_role(self._desk, one)
        state = TuningState(inherited=await self._inherited(call))
        job = self._desk.draft(
            call, KIND, name, status=lifecycle.status(state), state=encode(state), open=True
        )
        await self._desk.create(call, job, duplicate)
        self._desk.hints.hint("tuning_job", job.id)
        return {"HyperParameterTuningJobArn": job.arn}

    async def _inherited(self, call: Call) -> dict[str, int]:
        """The ids of the parents that it starts from, and how many results each has."""
        config = call.parameters.get("WarmStartConfig", {})
        found: dict[str, int] = {}
        for one in config.get("ParentHyperParameterTuningJobs", ()):
            parent = await self._desk.find(call, KIND, one[NAME])
            if parent is None:
                raise validation(
                    f"The parent tuning job {one[NAME]} of the WarmStartConfig does not exist."
                )
            warm_start.check(call.parameters, parent)
            found[parent.id] = await self._desk.database.read(trials.measured, parent.id)
        return found

    async def describe(self, call: Call) -> Mapping[str, Any]:
        return await self.told(await self._existing(call))

    async def told(self, job: Resource) -> dict[str, Any]:
        """What DescribeHyperParameterTuningJob answers."""
        search = trial_requests.searches(job.request)[0]
        counts = await self._counts(job, search)
        best = await self._best(job, search, [job.id])
        answer = described(job, counts) | ({"BestTrainingJob": best} if best else {})
        warm = job.request.get("WarmStartConfig", {})
        if warm.get("WarmStartType") == "IdenticalDataAndAlgorithm":
            state = decode(TuningState, job.state)
            overall = await self._best(job, search, [job.id, *state.inherited])
            if overall:
                answer["OverallBestTrainingJob"] = overall
        return answer

    async def stop(self, call: Call) -> None:
        await stopping.stop(self._desk, call, KIND, call.parameters[NAME], _stopping)

    async def delete(self, call: Call) -> None:
        """Its training jobs stay."""
        job = await self._existing(call)
        if job.open:
            raise validation(f"The hyperparameter tuning job is {job.status}: stop it first.")
        await self._desk.database.write(trials.forget, job)

    async def list(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        found = dict(await lists.page(self._desk, call, _LISTING))
        summaries: list[dict[str, Any]] = found[_LISTING.member]
        for one in summaries:
            job = await self._desk.existing(call, KIND, one[NAME])
            counts = await self._counts(job, trial_requests.searches(job.request)[0])
            one.update(_counters(counts))
        return found

    async def list_trials(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        job, given = await self._existing(call), call.parameters
        mark = lists.after(given.get("NextToken"))
        wanted = trials.Wanted(
            tuning_id=job.id,
            status=given.get("StatusEquals", ""),
            sort_by=given.get("SortBy", "Name"),
            descending=given.get("SortOrder") == "Descending",
            limit=given.get("MaxResults", lists.PAGE),
            after=(mark[0], int(mark[1])) if mark else None,
        )
        found = await self._desk.database.read(trials.page, wanted)
        searches = trial_requests.searches(job.request)
        shown = found[: wanted.limit]
        answer: dict[str, Any] = {
            "TrainingJobSummaries": [_summary(one, made, searches) for one, made in shown]
        }
        if len(found) > wanted.limit:
            last, made = shown[-1]
            answer["NextToken"] = lists.token((_mark(last, made, wanted.sort_by), str(last.number)))
        return answer

    async def _existing(self, call: Call) -> Resource:
        return await self._desk.existing(call, KIND, call.parameters[NAME])

    async def _counts(self, job: Resource, search: Search) -> Counts:
        counts = decode(TuningState, job.state).counts
        if counts is not None:
            return counts
        return await self._desk.database.read(trials.counts, job.id, maximize=search.maximize)

    async def _best(
        self, job: Resource, search: Search, ids: Iterable[str]
    ) -> dict[str, Any] | None:
        """The best of the trials of some tuning jobs, as AWS tells it."""
        best: Trial | None = None
        owner = job.id
        for one in ids:
            found = await self._desk.database.read(trials.best, one, maximize=search.maximize)
            if found is None or found.objective is None:
                continue
            if (
                best is None
                or best.objective is None
                or lifecycle.is_better(found.objective, best.objective, maximize=search.maximize)
            ):
                best, owner = found, one
        if best is None:
            return None
        made = await self._desk.database.read(resources.get, best.job_id)
        of = await self._desk.database.read(resources.get, owner)
        if made is None or of is None:
            return None
        named = {"TuningJobName": of.name}
        return _summary(best, made, trial_requests.searches(of.request)) | named


def _stopping(job: Resource, _now: datetime) -> tuple[str, Mapping[str, Any]] | None:
    state = decode(TuningState, job.state)
    if state.ended_at:
        return None
    stopped = replace(state, stop_requested=True)
    return lifecycle.status(stopped), encode(stopped)


def described(job: Resource, counts: Counts) -> dict[str, Any]:
    """The answer of DescribeHyperParameterTuningJob, without the best training job."""
    state = decode(TuningState, job.state)
    echoed = ("HyperParameterTuningJobConfig", "WarmStartConfig", "Autotune")
    answer: dict[str, Any] = {
        NAME: job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobStatus": job.status,
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        **{name: job.request[name] for name in echoed if name in job.request},
        **_definitions(job.request),
        **_counters(counts),
        "ConsumedResources": {"RuntimeInSeconds": round(state.consumed)},
    }
    if state.ended_at:
        answer["HyperParameterTuningEndTime"] = state.ended_at
    if state.failure_reason:
        answer["FailureReason"] = state.failure_reason
    details: dict[str, Any] = {"NumberOfTrainingJobsObjectiveNotImproving": counts.since_best}
    if state.converged_at:
        details["ConvergenceDetectedTime"] = state.converged_at
    if counts.best is not None:
        answer["TuningJobCompletionDetails"] = details
    return answer


def _definitions(request: Mapping[str, Any]) -> dict[str, Any]:
    """The definitions, with the hyperparameter that says the objective to built-in algorithms."""
    searches = trial_requests.searches(request)
    told: list[Mapping[str, Any]] = []
    for one, search in zip(trial_requests.definitions(request), searches, strict=True):
        static = one.get("StaticHyperParameters", {})
        if tuning_definitions.is_built_in(one):
            static = {**static, "_tuning_objective_metric": search.metric}
        # The SDK v2 sends HyperParameterTuningResourceConfig, and attaches by this.
        shown = {"ResourceConfig": trial_requests.resource_config(one), **one}
        algorithm = told_algorithm(one["AlgorithmSpecification"])
        told.append({**shown, "AlgorithmSpecification": algorithm, "StaticHyperParameters": static})
    if "TrainingJobDefinition" in request:
        return {"TrainingJobDefinition": told[0]}
    return {"TrainingJobDefinitions": told}


def _counters(counts: Counts) -> dict[str, Any]:
    return {
        "TrainingJobStatusCounters": {
            "Completed": counts.completed,
            "InProgress": counts.open,
            "RetryableError": 0,
            "NonRetryableError": counts.failed,
            "Stopped": counts.stopped,
        },
        "ObjectiveStatusCounters": {
            "Succeeded": counts.measured,
            "Pending": counts.open,
            "Failed": counts.made - counts.open - counts.measured,
        },
    }


def _summary(trial: Trial, job: Resource, searches: Iterable[Search]) -> dict[str, Any]:
    """One training job of a tuning job, as AWS tells it."""
    state = decode(TrainingState, job.state)
    search = next(one for one in searches if one.definition == trial.definition)
    summary: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.created_at,
        "TrainingJobStatus": training.status(state),
        "TunedHyperParameters": dict(trial.chosen),
        "ObjectiveStatus": "Pending",
    }
    if trial.definition:
        summary["TrainingJobDefinitionName"] = trial.definition
    if state.training_started_at:
        summary["TrainingStartTime"] = state.training_started_at
    if state.training_ended_at:
        summary["TrainingEndTime"] = state.training_ended_at
    if state.failure_reason:
        summary["FailureReason"] = state.failure_reason
    if trial.ending:
        summary["ObjectiveStatus"] = "Failed" if trial.objective is None else "Succeeded"
    if trial.objective is not None:
        summary["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": "Maximize" if search.maximize else "Minimize",
            "MetricName": search.metric,
            "Value": trial.objective,
        }
    return summary


def _mark(trial: Trial, job: Resource, sort_by: str) -> str:
    """What `Wanted.after` names of the last trial of a page."""
    if sort_by == "CreationTime":
        return trial.created_at.isoformat()
    if sort_by == "FinalObjectiveMetricValue":
        return repr(trial.objective)
    return trial.name if sort_by == "Name" else job.status


def _listed(job: Resource) -> dict[str, Any]:
    """One of ListHyperParameterTuningJobs, without its counters."""
    state, config = decode(TuningState, job.state), job.request["HyperParameterTuningJobConfig"]
    ended = {"HyperParameterTuningEndTime": state.ended_at} if state.ended_at else {}
    return {
        NAME: job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobStatus": job.status,
        "Strategy": config["Strategy"],
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        "ResourceLimits": config["ResourceLimits"],
        **ended,
    }


_LISTING = lists.Listing(
    kind=KIND,
    member="HyperParameterTuningJobSummaries",
    prefix="HyperParameterTuningJob",
    ascending=True,
    sort_by="Name",
    summary=_listed,
)


async def _needs(call: Call) -> Iterable[Need]:
    return [need(call, arn(call, KIND, call.parameters[NAME]))]


async def _list_needs(call: Call) -> Iterable[Need]:
    return [need(call, "*")]


async def _create_needs(call: Call) -> Iterable[Need]:
    roles = {one["RoleArn"] for one in trial_requests.definitions(call.parameters)}
    name = call.parameters[NAME]
    return [one for role in sorted(roles) for one in creation_needs(call, KIND, name, role)]
