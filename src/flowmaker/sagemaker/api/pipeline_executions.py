"""StartPipelineExecution, Stop, Retry, Update, Describe and List, and what steps have come to."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from flowmaker import ids
from flowmaker.aws.errors import AwsError, validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import lists, members
from flowmaker.sagemaker.api.desk import Desk, creation_needs, need
from flowmaker.sagemaker.api.pipeline_pages import whole_page
from flowmaker.sagemaker.api.pipelines import find_pipeline, find_version, name_of, pipeline_needs
from flowmaker.sagemaker.lifecycle import pipeline_execution as lifecycle
from flowmaker.sagemaker.lifecycle.pipeline_definition import parse
from flowmaker.sagemaker.lifecycle.pipeline_jobs import execution_id, metadata
from flowmaker.sagemaker.lifecycle.pipeline_parameters import values
from flowmaker.sagemaker.lifecycle.pipeline_selection import selected
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.pipeline import Definition, ExecutionState, StepRun
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import pipelines, resources

KIND = Kind.PIPELINE_EXECUTION


class PipelineExecutions:
    """The operations on executions of pipelines."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "StartPipelineExecution": Operation(handler=self.start, needs=_start_needs),
            "StopPipelineExecution": Operation(handler=self.stop, needs=_needs),
            "RetryPipelineExecution": Operation(handler=self.retry, needs=_needs),
            "UpdatePipelineExecution": Operation(handler=self.update, needs=_needs),
            "DescribePipelineExecution": Operation(handler=self.describe, needs=_needs),
            "ListPipelineExecutions": Operation(handler=self.list, needs=pipeline_needs),
            "ListPipelineExecutionSteps": Operation(handler=self.steps, needs=_needs),
            "DescribePipelineDefinitionForExecution": Operation(
                handler=self.definition, needs=_needs
            ),
            "ListPipelineParametersForExecution": Operation(handler=self.parameters, needs=_needs),
        }

    async def start(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        pipeline = await find_pipeline(self._desk, call)
        execution = await self._execution(call, pipeline)
        if await self._desk.database.write(pipelines.start, pipeline, execution):
            self._desk.hints.hint("pipeline_execution", execution.id)
        elif await self._desk.find(call, KIND, execution.name) is None:
            await find_pipeline(self._desk, call)
        return {"PipelineExecutionArn": execution.arn}

    async def _execution(self, call: Call, pipeline: Resource) -> Resource:
        """The execution that a request asks for. The same request asks for the same one."""
        given, now = call.parameters, self._desk.clock.now()
        version = await find_version(self._desk, call, pipeline)
        definition = parse(version.definition)
        parameters = {one["Name"]: one["Value"] for one in given.get("PipelineParameters", ())}
        try:
            typed = values(definition.parameters, parameters)
        except ValueError as error:
            raise validation(str(error)) from None
        role = given.get("RoleArn") or pipeline.request["RoleArn"]
        await self._desk.assume(call, role)
        parallelism = given.get("ParallelismConfiguration") or pipeline.request.get(
            "ParallelismConfiguration", {}
        )
        milliseconds = int(now.timestamp() * 1000)
        chosen, reused = await self._selection(call, pipeline, definition)
        state = ExecutionState(
            pipeline_arn=pipeline.arn,
            role_arn=role,
            definition=version.definition,
            defined_at=version.created_at,
            version=version.number,
            created_by=call.principal.arn,
            modified_by=call.principal.arn,
            parameters=typed,
            parallel=parallelism.get("MaxParallelExecutionSteps", 0),
            selected=chosen,
            steps=reused,
            display_name=given.get("PipelineExecutionDisplayName") or f"execution-{milliseconds}",
            description=given.get("PipelineExecutionDescription", ""),
        )
        number = execution_id(f"{pipeline.id}/{given['ClientRequestToken']}")
        draft = self._desk.draft(
            call,
            KIND,
            f"{pipeline.name}/{number}",
            status=state.status,
            state=encode(state),
            open=True,
        )
        resource = f"pipeline/{pipeline.name}/execution/{number}"
        arn = ids.arn("sagemaker", call.region, call.account, resource)
        return replace(draft, arn=arn, parent=pipeline.id)

    async def _selection(
        self, call: Call, pipeline: Resource, definition: Definition
    ) -> tuple[tuple[str, ...], tuple[StepRun, ...]]:
        """The only steps that run, and the results that they find of an earlier execution."""
        config = call.parameters.get("SelectiveExecutionConfig")
        if not config:
            return (), ()
        names = tuple(one["StepName"] for one in config["SelectedSteps"])
        source = await self._source(call, pipeline, config.get("SourcePipelineExecutionArn"))
        earlier = decode(ExecutionState, source.state).steps if source else ()
        try:
            return names, selected(definition, names, earlier, source.arn if source else "")
        except ValueError as error:
            raise validation(f"SelectiveExecutionConfig: {error}") from None

    async def _source(self, call: Call, pipeline: Resource, arn: str | None) -> Resource | None:
        if not arn:
            return None
        source = await self._existing(call, arn)
        if source.parent != pipeline.id or source.open:
            why = "has not ended" if source.open else f"is none of the pipeline {pipeline.name}"
            raise validation(f"SelectiveExecutionConfig: the execution {arn} {why}")
        return source

    async def stop(self, call: Call) -> Mapping[str, Any]:
        def stopped(execution: Resource, state: ExecutionState) -> ExecutionState:
            if not execution.open:
                raise _conflict(f"it has the status {state.status}", "stopped", execution)
            return lifecycle.request_stop(state)

        return await self._change(call, stopped)

    async def retry(self, call: Call) -> Mapping[str, Any]:
        token = call.parameters["ClientRequestToken"]
        parallelism = call.parameters.get("ParallelismConfiguration", {})

        def again(execution: Resource, state: ExecutionState) -> ExecutionState:
            if state.retry_token == token:
                return state
            if state.status not in {"Failed", "Stopped"}:
                raise _conflict(f"it has the status {state.status}", "retried", execution)
            parallel = parallelism.get("MaxParallelExecutionSteps", state.parallel)
            return replace(lifecycle.again(state, token), parallel=parallel)

        return await self._change(call, again)

    async def update(self, call: Call) -> Mapping[str, Any]:
        given = call.parameters

        def updated(_: Resource, state: ExecutionState) -> ExecutionState:
            parallelism = given.get("ParallelismConfiguration", {})
            return replace(
                state,
                display_name=given.get("PipelineExecutionDisplayName", state.display_name),
                description=given.get("PipelineExecutionDescription", state.description),
                parallel=parallelism.get("MaxParallelExecutionSteps", state.parallel),
            )

        return await self._change(call, updated)

    async def _change(
        self, call: Call, change: Callable[[Resource, ExecutionState], ExecutionState]
    ) -> Mapping[str, Any]:
        """Write a change, however often the controller writes meanwhile."""
        saved, execution = False, await self._named(call)
        while not saved:
            execution = await self._named(call)
            before = decode(ExecutionState, execution.state)
            state = replace(change(execution, before), modified_by=call.principal.arn)
            changed = replace(
                execution,
                status=state.status,
                open=state.status not in lifecycle.FINAL,
                state=encode(state),
                modified_at=self._desk.clock.now(),
            )
            saved = await self._desk.database.write(resources.save, changed)
        self._desk.hints.hint("pipeline_execution", execution.id)
        return {"PipelineExecutionArn": execution.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        return described(await self._named(call))

    async def list(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        pipeline = await find_pipeline(self._desk, call)
        narrowed: dict[str, Any] = {"prefix": f"{pipeline.name}/"}
        if call.parameters.get("SortBy") == "PipelineExecutionArn":
            narrowed["sort_by"] = "Name"
        return await lists.page(self._desk, call, _LISTING, narrowed)

    async def steps(self, call: Call) -> Mapping[str, Any]:
        state = decode(ExecutionState, (await self._named(call)).state)
        definition = parse(state.definition)
        # Those that were begun together are in the order of the definition.
        runs = sorted(state.steps, key=lambda run: run.started_at)
        if call.parameters.get("SortOrder") != "Ascending":
            runs.reverse()
        told = [_told(definition, run) for run in runs]
        return whole_page(call, "PipelineExecutionSteps", told)

    async def definition(self, call: Call) -> Mapping[str, Any]:
        state = decode(ExecutionState, (await self._named(call)).state)
        return {"PipelineDefinition": state.definition, "CreationTime": state.defined_at}

    async def parameters(self, call: Call) -> Mapping[str, Any]:
        execution = await self._named(call)
        given = list(execution.request.get("PipelineParameters", []))
        return whole_page(call, "PipelineParameters", given)

    async def _named(self, call: Call) -> Resource:
        return await self._existing(call, _arn(call))

    async def _existing(self, call: Call, arn: str) -> Resource:
        found = await self._desk.database.read(resources.by_arn, arn)
        if found is None or found.kind is not KIND or found.account != call.account:
            raise AwsError("ResourceNotFound", f"Pipeline execution '{arn}' does not exist.")
        return found


def described(execution: Resource) -> dict[str, Any]:
    """What DescribePipelineExecution answers."""
    state = decode(ExecutionState, execution.state)
    answer: dict[str, Any] = {
        "PipelineArn": state.pipeline_arn,
        "PipelineExecutionArn": execution.arn,
        "PipelineExecutionDisplayName": state.display_name,
        "PipelineExecutionStatus": state.status,
        "PipelineExecutionDescription": state.description or None,
        "PipelineExperimentConfig": state.experiment or None,
        "FailureReason": state.failure_reason or None,
        "CreationTime": execution.created_at,
        "LastModifiedTime": execution.modified_at,
        "CreatedBy": {"IamIdentity": {"Arn": state.created_by}},
        "LastModifiedBy": {"IamIdentity": {"Arn": state.modified_by}},
        "ParallelismConfiguration": (
            {"MaxParallelExecutionSteps": state.parallel} if state.parallel else None
        ),
        "SelectiveExecutionConfig": execution.request.get("SelectiveExecutionConfig"),
        "RoleArn": state.role_arn,
        "PipelineVersionId": state.version or None,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _conflict(why: str, what: str, execution: Resource) -> AwsError:
    return AwsError(
        "ConflictException", f"Pipeline execution {execution.arn} cannot be {what}: {why}."
    )


def _told(definition: Definition, run: StepRun) -> dict[str, Any]:
    """One of ListPipelineExecutionSteps."""
    step = definition.steps[run.name]
    cached = {"SourcePipelineExecutionArn": run.cached_from} if run.cached_from else None
    reused = {"SourcePipelineExecutionArn": run.reused_from} if run.reused_from else None
    answer: dict[str, Any] = {
        "StepName": run.name,
        "StepDisplayName": step.display_name or None,
        "StepDescription": step.description or None,
        "StartTime": run.started_at,
        "EndTime": run.ended_at,
        "StepStatus": run.status.value,
        "CacheHitResult": cached,
        "FailureReason": run.failure_reason or None,
        "Metadata": metadata(step.type, run),
        "AttemptCount": run.attempt,
        "SelectiveExecutionResult": reused,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _summary(execution: Resource) -> dict[str, Any]:
    state = decode(ExecutionState, execution.state)
    answer = {
        "PipelineExecutionArn": execution.arn,
        "StartTime": execution.created_at,
        "PipelineExecutionStatus": state.status,
        "PipelineExecutionDescription": state.description or None,
        "PipelineExecutionDisplayName": state.display_name,
        "PipelineExecutionFailureReason": state.failure_reason or None,
    }
    return {name: value for name, value in answer.items() if value is not None}


_LISTING = lists.Listing(
    kind=KIND, member="PipelineExecutionSummaries", prefix="PipelineExecution", summary=_summary
)


def _arn(call: Call) -> str:
    """Which execution is meant: AWS's model does not always require it."""
    given = call.parameters.get("PipelineExecutionArn")
    if not given:
        raise validation("PipelineExecutionArn is required")
    return given


async def _needs(call: Call) -> Iterable[Need]:
    return [need(call, _arn(call))]


async def _start_needs(call: Call) -> Iterable[Need]:
    """To start it is to pass on a role only if the request names another than the pipeline's."""
    role = call.parameters.get("RoleArn", "")
    return creation_needs(call, Kind.PIPELINE, name_of(call), role)
