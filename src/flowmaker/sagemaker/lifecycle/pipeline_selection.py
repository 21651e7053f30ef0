"""Executions of some steps alone, with what an earlier execution has of the others."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from flowmaker.sagemaker.records.pipeline import Definition, StepRun, StepStatus


def selected(
    definition: Definition, names: Sequence[str], earlier: Iterable[StepRun], source_arn: str
) -> tuple[StepRun, ...]:
    """The results of the steps that the selected ones need.

    Raises:
        ValueError: one is not there, or has no result.
    """
    unknown = [name for name in names if name not in definition.steps]
    if unknown:
        raise ValueError(f"the pipeline has no steps {', '.join(unknown)}")
    if between := _between(definition, set(names)):
        raise ValueError(
            f"the steps {', '.join(between)} are on the way from one selected step to another: "
            "select them, too"
        )
    needed = {one for name in names for one in definition.steps[name].needs} - set(names)
    runs = {run.name: run for run in earlier if run.status is StepStatus.SUCCEEDED}
    missing = sorted(needed - runs.keys())
    if missing:
        where = f"the execution {source_arn}" if source_arn else "SourcePipelineExecutionArn"
        raise ValueError(f"{where} must have results of the steps {', '.join(missing)}")
    return tuple(
        replace(runs[name], reused_from=source_arn) for name in definition.steps if name in needed
    )


def _between(definition: Definition, names: set[str]) -> list[str]:
    """Steps that are not selected, after one that is and before another.

    Contract: SelectiveExecutionConfig, "All step(s) in all path(s) between two selected steps
    should be included."
    """
    before = {name: _before(definition, name) for name in definition.steps}
    ahead = {one for name in names for one in before[name]}
    return [
        name
        for name in definition.steps
        if name in ahead and name not in names and before[name] & names
    ]


def _before(definition: Definition, name: str) -> set[str]:
    """All steps that one comes after, near or far; its condition is one of them."""
    found: set[str] = set()
    wanted = [name]
    while wanted:
        step = definition.steps[wanted.pop()]
        direct = {*step.needs, *([step.condition] if step.condition else [])} - found
        found |= direct
        wanted += direct
    return found
