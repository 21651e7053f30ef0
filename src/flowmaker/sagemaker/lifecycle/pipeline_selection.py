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
    needed = {one for name in names for one in definition.steps[name].needs} - set(names)
    runs = {run.name: run for run in earlier if run.status is StepStatus.SUCCEEDED}
    missing = sorted(needed - runs.keys())
    if missing:
        where = f"the execution {source_arn}" if source_arn else "SourcePipelineExecutionArn"
        raise ValueError(f"{where} must have results of the steps {', '.join(missing)}")
    return tuple(
        replace(runs[name], reused_from=source_arn) for name in definition.steps if name in needed
    )
