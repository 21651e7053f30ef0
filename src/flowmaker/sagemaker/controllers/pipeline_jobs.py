"""What the steps of pipelines make: jobs, models and model packages, by the API's operations.

What is made and described, is so as the execution's role: what it may not do, its step fails with.
What else is asked follows from what somebody was allowed to ask of the execution.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from flowmaker.aws.errors import AwsError
from flowmaker.aws.inside import Asked, Inside
from flowmaker.aws.service import Principal
from flowmaker.errors import FlowmakerError
from flowmaker.sagemaker.container.storage import DataError, location
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.lifecycle.pipeline_jobs import JobType, with_role
from flowmaker.sagemaker.lifecycle.pipeline_retries import SERVICE_FAULT, of_code
from flowmaker.sagemaker.records.document import decode
from flowmaker.sagemaker.records.hosting import EndpointState
from flowmaker.sagemaker.records.pipeline import ExecutionState, StepRun
from flowmaker.sagemaker.records.resource import Kind, Resource, Search
from flowmaker.sagemaker.repository import resources

#: Of a tuning job, the models of as many of its best training jobs can be referred to.
_BEST = 50
#: The tag of what an execution has made.
_EXECUTION = "sagemaker:pipeline-execution-arn"


class Refused(Exception):  # noqa: N818 - it is what the step fails with
    """An operation was refused; the message is for the step's FailureReason."""

    def __init__(self, message: str, exception: str = "") -> None:
        super().__init__(message)
        #: What it is to retry policies; empty for nothing that is tried again.
        self.exception = exception


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineJobs:
    """Makes, describes and stops what steps make."""

    parts: Parts
    inside: Inside

    async def make(
        self, execution: Resource, state: ExecutionState, run: StepRun, job: JobType
    ) -> str:
        """The ARN of the step's job, which is made unless it is there.

        Raises:
            Refused: it cannot be made.
        """
        found = await self.find(execution, run, job)
        if found is not None and job.stays:
            return await self._update(execution, state, run, job, found)
        if found is not None and await self._is_its_own(execution, job, found):
            return found.arn
        parameters = self._parameters(execution, state, run, job)
        if job.kind is Kind.MODEL_PACKAGE:
            await self._ensure_group(execution, state, run)
        answer = await self._call(execution, state, run.name, f"Create{job.noun}", parameters)
        return str(answer[f"{job.prefix}Arn"])

    async def _is_its_own(self, execution: Resource, job: JobType, found: Resource) -> bool:
        """Whether this execution has made it: a name of one's own choice may be another's, too."""
        if not job.named:
            return True
        tags = await self.parts.database.read(resources.tags_of, found.arn)
        return tags.get(_EXECUTION) == execution.arn

    async def _update(
        self,
        execution: Resource,
        state: ExecutionState,
        run: StepRun,
        job: JobType,
        endpoint: Resource,
    ) -> str:
        """The ARN of an endpoint that is there: it goes over to the step's configuration.

        Unless it has that, or is just getting it: the server may have been killed meanwhile.
        """
        wanted = run.arguments["EndpointConfigName"]
        has = decode(EndpointState, endpoint.state)
        if wanted not in {one.config_name for one in (has.pending, has.fleet) if one}:
            asked = {"EndpointName": run.job, "EndpointConfigName": wanted}
            await self._call(execution, state, run.name, f"Update{job.noun}", asked)
        return endpoint.arn

    async def find(self, execution: Resource, run: StepRun, job: JobType) -> Resource | None:
        """What the step has made already, before the server was killed perhaps."""
        database, account, region = self.parts.database, execution.account, execution.region
        if job.kind is not Kind.MODEL_PACKAGE:
            return await database.read(resources.find, job.kind, account, region, run.job)
        token = _token(run)
        wanted = Search(
            kind=job.kind,
            account=account,
            region=region,
            equal={"request.ClientToken": token},
            limit=1,
        )
        found = await database.read(resources.search, wanted)
        return found[0] if found else None

    async def describe(
        self, execution: Resource, state: ExecutionState, run: StepRun, job: JobType
    ) -> dict[str, Any]:
        """What the step's job is, as its Describe operation tells it: JSON.

        Raises:
            Refused: it cannot be described.
        """
        name = run.arn if job.kind is Kind.MODEL_PACKAGE else run.job
        named = {f"{job.prefix}Name": name}
        answer = await self._call(execution, state, run.name, f"Describe{job.noun}", named)
        if job.kind is Kind.TUNING_JOB and answer.get("BestTrainingJob"):
            answer |= await self._best(execution, state, run)
        return cast("dict[str, Any]", json.loads(json.dumps(answer, default=str)))

    async def stop(
        self, execution: Resource, state: ExecutionState, run: StepRun, job: JobType
    ) -> None:
        """Ask the step's job to stop; one that has ended is left alone.

        Raises:
            Refused: the role may not.
        """
        named = {f"{job.prefix}Name": run.job}
        try:
            await self._call(execution, state, run.name, f"Stop{job.noun}", named)
        except Refused:
            found = await self.find(execution, run, job)
            if found is not None and found.open:
                raise

    async def experiment(
        self, execution: Resource, state: ExecutionState, names: Mapping[str, str]
    ) -> None:
        """Make the experiment and the trial of an execution, unless they are there.

        Raises:
            Refused: they cannot be made.
        """
        experiment = {"ExperimentName": names["ExperimentName"]}
        wanted = (
            (Kind.EXPERIMENT, "ExperimentName", "CreateExperiment", experiment),
            (
                Kind.TRIAL,
                "TrialName",
                "CreateTrial",
                {**experiment, "TrialName": names["TrialName"]},
            ),
        )
        for kind, member, operation, parameters in wanted:
            found = await self._there_is(execution, kind, parameters[member])
            if not found:
                await self._call(execution, state, "experiment", operation, parameters)

    async def read(self, execution: Resource, state: ExecutionState, uri: str) -> str:
        """The text of a file in S3, as the role reads it.

        Raises:
            DataError: it cannot be read.
        """
        storage = await self.parts.storage(execution, state.role_arn)
        found = await storage.get(location(uri))
        try:
            return await asyncio.to_thread(self.parts.objects.path(found).read_text, "utf-8")
        except UnicodeDecodeError:
            raise DataError(f"{uri} is no text") from None

    def _parameters(
        self, execution: Resource, state: ExecutionState, run: StepRun, job: JobType
    ) -> dict[str, Any]:
        """The request that makes the step's job."""
        parameters = with_role(job, run.arguments, state.role_arn)
        if job.kind is Kind.MODEL_PACKAGE:
            # Tags are for groups: AWS refuses those of versions.
            return {**parameters, "ClientToken": _token(run)}
        tags = [
            *parameters.get("Tags", []),
            {"Key": _EXECUTION, "Value": execution.arn},
            {"Key": "sagemaker:pipeline-step-name", "Value": run.name},
        ]
        parameters |= {f"{job.prefix}Name": run.job, "Tags": tags}
        if job.in_experiment and state.experiment:
            config = parameters.get("ExperimentConfig", {})
            parameters["ExperimentConfig"] = {**state.experiment, **config}
        return parameters

    async def _ensure_group(self, execution: Resource, state: ExecutionState, run: StepRun) -> None:
        """The group that a version is registered in is made when there is none."""
        name = run.arguments.get("ModelPackageGroupName")
        group = str(name).rpartition("/")[2]
        if not name or await self._there_is(execution, Kind.MODEL_PACKAGE_GROUP, group):
            return
        parameters = {"ModelPackageGroupName": group}
        await self._call(execution, state, run.name, "CreateModelPackageGroup", parameters)

    async def _there_is(self, execution: Resource, kind: Kind, name: str) -> bool:
        found = await self.parts.database.read(
            resources.find, kind, execution.account, execution.region, name
        )
        return found is not None

    async def _best(
        self, execution: Resource, state: ExecutionState, run: StepRun
    ) -> dict[str, Any]:
        """The training jobs of a tuning job, the best first."""
        operation = "ListTrainingJobsForHyperParameterTuningJob"
        config = run.arguments.get("HyperParameterTuningJobConfig", {})
        objective = config.get("HyperParameterTuningJobObjective", {})
        asked = {
            "HyperParameterTuningJobName": run.job,
            "SortBy": "FinalObjectiveMetricValue",
            "SortOrder": "Ascending" if objective.get("Type") == "Minimize" else "Descending",
            "MaxResults": _BEST,
        }
        answer = await self._call(execution, state, run.name, operation, asked)
        return {"TrainingJobSummaries": answer["TrainingJobSummaries"]}

    async def _call(
        self,
        execution: Resource,
        state: ExecutionState,
        step: str,
        operation: str,
        parameters: Mapping[str, Any],
    ) -> dict[str, Any]:
        """What an operation answers.

        Raises:
            Refused: it does not.
        """
        try:
            caller = await self._caller(execution, state, step, operation)
            asked = Asked(
                service="sagemaker",
                operation=operation,
                parameters=dict(parameters),
                converted=True,
            )
            answer = await caller.call(asked)
        except AwsError as error:
            raise Refused(_words(operation, error.message), of_code(error.code)) from None
        except DataError as error:
            raise Refused(_words(operation, str(error))) from None
        except FlowmakerError as error:
            raise Refused(_words(operation, error.message), SERVICE_FAULT) from None
        return dict(cast("Mapping[str, Any]", answer or {}))

    async def _caller(
        self, execution: Resource, state: ExecutionState, step: str, operation: str
    ) -> Inside:
        """Who calls an operation: the role must be allowed to make and to describe, as on AWS."""
        if operation.startswith(("Create", "Describe", "Update")):
            name = session_name(execution, step)
            session = await self.parts.session(execution, state.role_arn, name)
            return self.inside.acting_as(session.principal, execution.region)
        account = execution.account
        root = Principal(account=account, arn=f"arn:aws:iam::{account}:root", user_id=account)
        return self.inside.acting_as(root, execution.region)


def _words(operation: str, message: str) -> str:
    return f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {message}"


def _token(run: StepRun) -> str:
    """What a model package is found again by. ClientToken has 36 characters at most."""
    return run.job[-36:]


def session_name(execution: Resource, step: str) -> str:
    """The session of the role for one step, as AWS calls it: 64 characters at most."""
    longest = 64
    return f"sagemaker-pipeline-{execution.name.rpartition('/')[2]}-{step}"[:longest]
