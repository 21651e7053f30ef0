"""Makes executions of pipelines happen: their steps' jobs are jobs like any other.

An execution is one row with all that its steps have come to. What a step's job is called, and all
that is asked of it, is on record before the job is made; a job of that name is the step's. So a
server that is killed at any moment makes no job twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flowmaker.sagemaker.container.storage import DataError
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.controllers.pipeline_jobs import PipelineJobs, Refused
from flowmaker.sagemaker.lifecycle import pipeline_execution as lifecycle
from flowmaker.sagemaker.lifecycle import pipeline_retries as retries
from flowmaker.sagemaker.lifecycle import references
from flowmaker.sagemaker.lifecycle.pipeline_conditions import holds
from flowmaker.sagemaker.lifecycle.pipeline_definition import own_arguments, parse
from flowmaker.sagemaker.lifecycle.pipeline_jobs import (
    JOBS,
    cache_key,
    has_ended,
    job_name,
    next_name,
    result,
)
from flowmaker.sagemaker.lifecycle.pipeline_times import duration
from flowmaker.sagemaker.lifecycle.references import Facts, Unresolved
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.pipeline import (
    ACTIVE,
    Definition,
    ExecutionState,
    Step,
    StepRun,
    StepStatus,
)
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import pipelines, resources

#: Seconds until a job is looked at again, should no word come that it has ended.
PATIENCE = 10.0
#: A result without ExpireAfter may be used for as long.
_FOREVER = timedelta(days=36500)


class PipelineExecutions:
    """The controller of pipelines' executions."""

    topic = "pipeline_execution"

    def __init__(self, parts: Parts, jobs: PipelineJobs) -> None:
        self._parts = parts
        self._jobs = jobs
        #: The executions that wait for a job to end, by the job's ARN.
        self._waiting: dict[str, str] = {}
        parts.hints.listen("job_ended", self._on_job_ended)

    async def open_keys(self) -> Iterable[str]:
        return await self._parts.database.read(resources.open_ids, Kind.PIPELINE_EXECUTION)

    async def reconcile(self, key: str) -> float | None:
        execution = await self._parts.load(key)
        if execution is None or not execution.open:
            return None
        state = decode(ExecutionState, execution.state)
        definition = parse(state.definition)
        advanced = state
        for run in state.steps:
            if run.status in ACTIVE:
                step = definition.steps[run.name]
                changed = await self._advance(execution, state, step, run)
                advanced = lifecycle.replaced(advanced, changed)
        if advanced != state:
            return await self._save(execution, state, advanced)
        decision = lifecycle.decide(definition, state)
        if decision.begin:
            return await self._begin(execution, definition, state, decision.begin)
        if decision.stop:
            return await self._stop(execution, definition, state, decision.stop)
        if decision.ending:
            return await self._save(execution, state, lifecycle.ended(state, decision.ending))
        return self._pause(state)

    def _on_job_ended(self, arn: str) -> None:
        waiting = self._waiting.pop(arn, None)
        if waiting:
            self._parts.hints.hint(self.topic, waiting)

    def _pause(self, state: ExecutionState) -> float:
        """When to look again, should no word come."""
        now = self._parts.now()
        tries = [(run.retry_at - now).total_seconds() for run in state.steps if run.retry_at]
        return max(0.0, min([PATIENCE, *tries]))

    # A step that goes on.

    async def _advance(
        self, execution: Resource, state: ExecutionState, step: Step, run: StepRun
    ) -> StepRun:
        """The step as it is now."""
        if run.status is not StepStatus.STARTING:
            return await self._look(execution, state, step, run)
        if state.stop_requested or (run.retry_at and run.retry_at > self._parts.now()):
            return run
        job = JOBS[step.type]
        try:
            arn = await self._jobs.make(execution, state, run, job)
        except Refused as error:
            return self._failed(step, run, str(error), error.exception)
        made = replace(run, arn=arn, status=StepStatus.EXECUTING, retry_at=None)
        return await self._look(execution, state, step, made) if job.at_once else made

    async def _look(
        self, execution: Resource, state: ExecutionState, step: Step, run: StepRun
    ) -> StepRun:
        """The step as its job has become."""
        job = JOBS[step.type]
        # Before it is looked at: a word that comes meanwhile must find who waits for it.
        self._waiting[run.arn] = execution.id
        if not job.at_once:
            found = await self._jobs.find(execution, run, job)
            if found is not None and not has_ended(job, found.status):
                return run
        self._waiting.pop(run.arn, None)
        try:
            answer = await self._jobs.describe(execution, state, run, job)
        except Refused as error:
            return self._failed(step, run, str(error), error.exception)
        status, reason = result(job, run, answer)
        now = self._parts.now()
        if run.status is StepStatus.STOPPING:
            return replace(run, status=StepStatus.STOPPED, ended_at=now)
        if status == "Completed":
            done = StepStatus.SUCCEEDED
            return replace(run, status=done, properties=answer, ended_at=now)
        if status == "Stopped":
            return lifecycle.failed(run, f"ClientError: The job {run.job} was stopped", now)
        return self._failed(step, run, f"ClientError: {reason}", retries.of_reason(reason))

    def _failed(self, step: Step, run: StepRun, reason: str, exception: str) -> StepRun:
        """The step has failed, or is tried again, with a job of another name."""
        now = self._parts.now()
        again = retries.again_at(step, run, exception, now) if exception else None
        if again is None or run.status is StepStatus.STOPPING:
            return lifecycle.failed(run, reason, now)
        return replace(
            run,
            status=StepStatus.STARTING,
            attempt=run.attempt + 1,
            retry_at=again,
            arn="",
            job=run.job if JOBS[step.type].named else next_name(run.job),
        )

    # A step that begins.

    async def _begin(
        self,
        execution: Resource,
        definition: Definition,
        state: ExecutionState,
        names: Iterable[str],
    ) -> float | None:
        """Put steps on record as begun, with all that is asked of their jobs."""
        facts = _facts(execution, definition, state, self._parts.now())
        if definition.experiment and not state.experiment:
            return await self._experiment(execution, definition, state, facts)
        begun = [
            await self._begun(execution, state, definition.steps[name], facts) for name in names
        ]
        return await self._save(execution, state, lifecycle.replaced(state, *begun))

    async def _experiment(
        self, execution: Resource, definition: Definition, state: ExecutionState, facts: Facts
    ) -> float | None:
        """Make the experiment and the trial that the jobs will belong to."""
        try:
            names = references.resolve(definition.experiment, facts)
            await self._jobs.experiment(execution, state, names)
        except (Unresolved, Refused) as error:
            ended = replace(state, status="Failed", failure_reason=str(error))
            return await self._save(execution, state, ended)
        return await self._save(execution, state, replace(state, experiment=names))

    async def _begun(
        self, execution: Resource, state: ExecutionState, step: Step, facts: Facts
    ) -> StepRun:
        now = self._parts.now()
        run = StepRun(name=step.name, status=StepStatus.STARTING, started_at=now)
        try:
            arguments = own_arguments(step.type, step.arguments)
            known = await self._with_files(execution, state, arguments, facts)
            if step.type == "Condition":
                outcome = all(holds(one, known) for one in arguments["Conditions"])
                return replace(
                    run,
                    status=StepStatus.SUCCEEDED,
                    outcome=str(outcome),
                    properties={"Outcome": outcome},
                    ended_at=now,
                )
            resolved = references.resolve(arguments, _with_name(known, execution, state, step))
        except (Unresolved, DataError) as error:
            return lifecycle.failed(run, f"ClientError: {error}", now)
        if step.type == "Fail":
            message = references.text(resolved.get("ErrorMessage", ""))
            return lifecycle.failed(replace(run, error_message=message), message, now)
        return await self._claimed(execution, state, step, replace(run, arguments=resolved))

    async def _claimed(
        self, execution: Resource, state: ExecutionState, step: Step, run: StepRun
    ) -> StepRun:
        """The step with its job's name; or with the result of an earlier execution."""
        job = JOBS[step.type]
        if step.cached and job.cache_members:
            run = replace(run, cache_key=cache_key(step.type, run.arguments))
            hit = await self._cached(execution, step, run)
            if hit is not None:
                return hit
        member = f"{job.prefix}Name"
        custom = str(run.arguments.get(member, ""))
        arguments = {name: value for name, value in run.arguments.items() if name != member}
        name = job_name(job, _id(execution), step.name, str(state.retries), custom)
        return replace(run, job=custom if job.named else name, arguments=arguments)

    async def _cached(self, execution: Resource, step: Step, run: StepRun) -> StepRun | None:
        now, within = self._parts.now(), duration(step.expire_after)
        since = now - (_FOREVER if within is None else within)
        found = await self._parts.database.read(
            pipelines.cached, execution.parent, step.name, run.cache_key, since
        )
        if found is None:
            return None
        source, earlier = found
        return replace(
            run,
            status=StepStatus.SUCCEEDED,
            job=earlier.job,
            arn=earlier.arn,
            properties=earlier.properties,
            cached_from=source,
            ended_at=now,
        )

    async def _with_files(
        self,
        execution: Resource,
        state: ExecutionState,
        arguments: Mapping[str, Any],
        facts: Facts,
    ) -> Facts:
        """The facts, with the JSON files that the arguments refer to."""
        uris = set(references.files_wanted(arguments, facts))
        documents = {uri: await self._jobs.read(execution, state, uri) for uri in uris}
        return replace(facts, documents=documents)

    # A step that is to end.

    async def _stop(
        self,
        execution: Resource,
        definition: Definition,
        state: ExecutionState,
        names: Iterable[str],
    ) -> float | None:
        """Stop what runs; a step whose job is not made never makes it."""
        runs = {run.name: run for run in state.steps}
        stopped = [
            await self._stopped(execution, state, definition.steps[name], runs[name])
            for name in names
        ]
        return await self._save(execution, state, lifecycle.replaced(state, *stopped))

    async def _stopped(
        self, execution: Resource, state: ExecutionState, step: Step, run: StepRun
    ) -> StepRun:
        job, now = JOBS[step.type], self._parts.now()
        found = await self._jobs.find(execution, run, job)
        if found is None or (job.stays and not run.arn):
            return replace(run, status=StepStatus.STOPPED, retry_at=None, ended_at=now)
        if job.stays:
            # Nothing stops an endpoint from coming up: the step is done when it has.
            return replace(run, status=StepStatus.STOPPING)
        if job.at_once:
            return await self._look(execution, state, step, replace(run, arn=found.arn))
        try:
            await self._jobs.stop(execution, state, run, job)
        except Refused as error:
            return lifecycle.failed(run, str(error), now)
        return replace(run, status=StepStatus.STOPPING, arn=found.arn)

    async def _save(
        self, execution: Resource, before: ExecutionState, state: ExecutionState
    ) -> float | None:
        """Write what has become of it, and what later executions need not run again."""
        final = state.status in lifecycle.FINAL
        known = {run.name for run in before.steps if run.status is StepStatus.SUCCEEDED}
        cached = [
            run
            for run in state.steps
            if run.status is StepStatus.SUCCEEDED and run.name not in known
            if run.cache_key and not run.cached_from
        ]
        changed = replace(
            execution,
            status=state.status,
            open=not final,
            state=encode(state),
            modified_at=self._parts.now(),
        )
        saved = await self._parts.database.write(pipelines.save, changed, cached)
        return None if saved and final else 0.0


def _id(execution: Resource) -> str:
    return execution.name.rpartition("/")[2]


def _with_name(facts: Facts, execution: Resource, state: ExecutionState, step: Step) -> Facts:
    """The facts, with the name of the step's own job."""
    if step.type not in JOBS:
        return facts
    name = job_name(JOBS[step.type], _id(execution), step.name, str(state.retries))
    own = {"TrainingJobName": name, "ProcessingJobName": name}
    return replace(facts, execution={**facts.execution, **own})


def _facts(
    execution: Resource, definition: Definition, state: ExecutionState, now: datetime
) -> Facts:
    """All that the steps of an execution may refer to."""
    return Facts(
        parameters=state.parameters,
        execution={
            "StartDateTime": execution.created_at.isoformat(),
            "CurrentDateTime": now.isoformat(),
            "PipelineName": execution.name.partition("/")[0],
            "PipelineArn": state.pipeline_arn,
            "PipelineExecutionId": _id(execution),
            "PipelineExecutionArn": execution.arn,
        },
        experiment=state.experiment,
        properties={
            run.name: run.properties for run in state.steps if run.status is StepStatus.SUCCEEDED
        },
        files={
            (step.name, name): file
            for step in definition.steps.values()
            for name, file in step.property_files.items()
        },
    )
