"""What an execution of a pipeline does next: a function of its definition and of its steps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flowmaker.sagemaker.records.pipeline import (
    ACTIVE,
    Definition,
    ExecutionState,
    Step,
    StepRun,
    StepStatus,
)

FAILED = "Step failure: One or multiple steps failed."
FINAL = frozenset({"Stopped", "Failed", "Succeeded"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What is to happen to the steps, or to the execution."""

    begin: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    #: The status that the execution ends with; empty while it goes on.
    ending: str = ""


def decide(definition: Definition, state: ExecutionState) -> Decision:
    """What to do next.

    A step that fails keeps those that need it from running, and no others. A Fail step, and
    being stopped, keep everything from running that does not run yet, and stop what does.
    """
    runs = {run.name: run for run in state.steps}
    active = [run for run in state.steps if run.status in ACTIVE]
    if state.stop_requested or _given_up(definition, runs):
        stop = tuple(run.name for run in active if run.status is not StepStatus.STOPPING)
        if active:
            return Decision(stop=stop)
        return Decision(ending="Stopped" if state.stop_requested else "Failed")
    room = state.parallel - len(active) if state.parallel else len(definition.steps)
    begin = [step.name for step in definition.steps.values() if _ready(step, runs, state)]
    if begin and room > 0:
        return Decision(begin=tuple(begin[:room]))
    if active or begin:
        return Decision()
    failed = any(run.status is not StepStatus.SUCCEEDED for run in state.steps)
    return Decision(ending="Failed" if failed else "Succeeded")


def _given_up(definition: Definition, runs: Mapping[str, StepRun]) -> bool:
    """A Fail step has run."""
    return any(
        definition.steps[run.name].type == "Fail" and run.status is StepStatus.FAILED
        for run in runs.values()
    )


def _ready(step: Step, runs: Mapping[str, StepRun], state: ExecutionState) -> bool:
    if step.name in runs or (state.selected and step.name not in state.selected):
        return False
    if step.condition and (not state.selected or step.condition in state.selected):
        taken = runs.get(step.condition)
        if taken is None or taken.outcome != step.outcome:
            return False
    done = (runs[name].status if name in runs else None for name in step.needs)
    return all(status is StepStatus.SUCCEEDED for status in done)


def ended(state: ExecutionState, ending: str) -> ExecutionState:
    """The execution as it has ended."""
    return replace(state, status=ending, failure_reason=FAILED if ending == "Failed" else "")


def replaced(state: ExecutionState, *changed: StepRun) -> ExecutionState:
    """With other runs of steps, or further ones."""
    runs = {run.name: run for run in state.steps} | {run.name: run for run in changed}
    return replace(state, steps=tuple(runs.values()))


def request_stop(state: ExecutionState) -> ExecutionState:
    return replace(state, stop_requested=True, status="Stopping")


def again(state: ExecutionState, token: str) -> ExecutionState:
    """The execution as it goes on from the steps that have not succeeded."""
    kept = tuple(run for run in state.steps if run.status is StepStatus.SUCCEEDED)
    return replace(
        state,
        steps=kept,
        status="Executing",
        failure_reason="",
        stop_requested=False,
        retries=state.retries + 1,
        retry_token=token,
    )


def failed(run: StepRun, reason: str, now: datetime) -> StepRun:
    """The step as it has failed."""
    longest = 1024
    return replace(
        run, status=StepStatus.FAILED, failure_reason=reason[:longest], ended_at=now, retry_at=None
    )
