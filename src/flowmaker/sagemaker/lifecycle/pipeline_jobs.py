"""What each type of step makes: by which operations, under which name, and what it is cached by."""

import hashlib
import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from flowmaker.sagemaker.records.pipeline import StepRun
from flowmaker.sagemaker.records.resource import Kind

_SUFFIX = 10
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, kw_only=True, slots=True)
class JobType:
    """What a type of step makes."""

    kind: Kind
    #: Operations are `Create` + this, `Describe` + this, `Stop` + this.
    noun: str
    #: Members are this + `Name`, `Arn`, `Status`.
    prefix: str
    #: What ListPipelineExecutionSteps calls it in a step's Metadata.
    metadata: str
    longest_name: int = 63
    #: It is there when it is made, and does not run.
    at_once: bool = False
    #: Its name is the one that the step's arguments give, whichever execution it is.
    named: bool = False
    #: It stays when it is there, and it is updated by a step that finds it there: an endpoint.
    stays: bool = False
    #: It belongs to a trial, if the pipeline has an experiment.
    in_experiment: bool = False
    #: Changes of these members of the arguments are another step to the cache: AWS's list.
    cache_members: tuple[str, ...] = ()


JOBS: Mapping[str, JobType] = {
    "Training": JobType(
        kind=Kind.TRAINING_JOB,
        noun="TrainingJob",
        prefix="TrainingJob",
        metadata="TrainingJob",
        in_experiment=True,
        cache_members=(
            "AlgorithmSpecification",
            "CheckpointConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
        ),
    ),
    "Processing": JobType(
        kind=Kind.PROCESSING_JOB,
        noun="ProcessingJob",
        prefix="ProcessingJob",
        metadata="ProcessingJob",
        in_experiment=True,
        cache_members=("AppSpecification", "Environment", "ProcessingInputs"),
    ),
    "Transform": JobType(
        kind=Kind.TRANSFORM_JOB,
        noun="TransformJob",
        prefix="TransformJob",
        metadata="TransformJob",
        in_experiment=True,
        cache_members=(
            "DataProcessing",
            "Environment",
            "ModelName",
            "TransformInput",
        ),
    ),
    "Tuning": JobType(
        kind=Kind.TUNING_JOB,
        noun="HyperParameterTuningJob",
        prefix="HyperParameterTuningJob",
        metadata="TuningJob",
        longest_name=32,
        cache_members=(
            "HyperParameterTuningJobConfig",
            "TrainingJobDefinition.AlgorithmSpecification",
            "TrainingJobDefinition.HyperParameterRanges",
            "TrainingJobDefinition.InputDataConfig",
            "TrainingJobDefinition.StaticHyperParameters",
            "TrainingJobDefinition.TuningObjective",
            "TrainingJobDefinitions",
        ),
    ),
    "Model": JobType(kind=Kind.MODEL, noun="Model", prefix="Model", metadata="Model", at_once=True),
    "RegisterModel": JobType(
        kind=Kind.MODEL_PACKAGE,
        noun="ModelPackage",
        prefix="ModelPackage",
        metadata="RegisterModel",
        at_once=True,
    ),
    "EndpointConfig": JobType(
        kind=Kind.ENDPOINT_CONFIG,
        noun="EndpointConfig",
        prefix="EndpointConfig",
        metadata="EndpointConfig",
        at_once=True,
        named=True,
        cache_members=(
            "AsyncInferenceConfig",
            "DataCaptureConfig",
            "EndpointConfigName",
            "ProductionVariants",
            "ShadowProductionVariants",
        ),
    ),
    "Endpoint": JobType(
        kind=Kind.ENDPOINT,
        noun="Endpoint",
        prefix="Endpoint",
        metadata="Endpoint",
        named=True,
        stays=True,
    ),
}
#: The statuses of jobs that have ended.
_ENDED = frozenset({"Completed", "Failed", "Stopped"})
#: Those of endpoints on which something still goes on.
_CHANGING = frozenset({"Creating", "Updating", "RollingBack", "Deleting"})


def has_ended(job: JobType, status: str) -> bool:
    """Whether what a step has made has come to what it comes to."""
    return status not in _CHANGING if job.stays else status in _ENDED


def result(job: JobType, run: StepRun, answer: Mapping[str, Any]) -> tuple[str, str]:
    """`Completed`, `Stopped` or `Failed`, and why, of what its Describe operation answers."""
    if job.at_once:
        return "Completed", ""
    status = str(answer[f"{job.prefix}Status"])
    reason = str(answer.get("FailureReason", "the job has failed"))
    if not job.stays:
        return status, reason
    wanted = run.arguments["EndpointConfigName"]
    if status == "InService" and answer.get("EndpointConfigName") == wanted:
        return "Completed", ""
    return "Failed", str(answer.get("FailureReason", f"the endpoint {run.job} is {status}"))


def job_name(job: JobType, execution_id: str, step: str, number: str, custom: str = "") -> str:
    """The name of a step's job, as AWS makes it; `number` says which try of the step it is.

    It follows from these alone: whoever asks again gets the same.
    """
    suffix = _suffix(f"{execution_id}/{step}/{number}")
    if custom:
        beginning, ending = custom, f"-{execution_id}-{suffix}"
    elif job.kind is Kind.TUNING_JOB:
        # There is no room for `pipelines-`.
        beginning, ending = f"{execution_id}-{step}", f"-{suffix}"
    else:
        beginning, ending = f"pipelines-{execution_id}-{step}", f"-{suffix}"
    beginning = beginning.replace("_", "-")[: job.longest_name - len(ending)]
    return beginning.rstrip("-") + ending


def next_name(name: str) -> str:
    """The name of the job of a step's next try."""
    return name[:-_SUFFIX] + _suffix(name)


def _suffix(text: str) -> str:
    return _spelled(text, _LETTERS, _SUFFIX)


def execution_id(seed: str) -> str:
    """Twelve lower-case letters and digits that follow from the seed."""
    return _spelled(seed, string.ascii_lowercase + string.digits, 12)


def _spelled(text: str, letters: str, length: int) -> str:
    """The text's hash in these letters."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest())
    found: list[str] = []
    for _ in range(length):
        number, rest = divmod(number, len(letters))
        found.append(letters[rest])
    return "".join(found)


def cache_key(kind: str, arguments: Mapping[str, Any]) -> str:
    """What two runs of a step have in common that count as the same."""
    found = {path: _member(arguments, path) for path in JOBS[kind].cache_members}
    counted = {path: value for path, value in found.items() if value is not None}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()


def _member(arguments: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - JSON
    """What is at a path such as `A.B`; None if nothing is."""
    value: Any = arguments
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = cast("Mapping[str, Any]", value).get(name)
    return value


def with_role(job: JobType, arguments: Mapping[str, Any], role_arn: str) -> dict[str, Any]:
    """The arguments, with the execution's role where they name none."""
    named = {"RoleArn": role_arn}
    if job.kind in {Kind.TRAINING_JOB, Kind.PROCESSING_JOB}:
        return {**named, **arguments}
    if job.kind is Kind.MODEL:
        return {"ExecutionRoleArn": role_arn, **arguments}
    filled = dict(arguments)
    if job.kind is Kind.TUNING_JOB:
        if "TrainingJobDefinition" in filled:
            filled["TrainingJobDefinition"] = {**named, **filled["TrainingJobDefinition"]}
        if "TrainingJobDefinitions" in filled:
            filled["TrainingJobDefinitions"] = [
                {**named, **one} for one in filled["TrainingJobDefinitions"]
            ]
    return filled


def metadata(step_type: str, run: StepRun) -> dict[str, Any]:
    """What ListPipelineExecutionSteps tells of what a step has made."""
    if step_type == "Condition":
        return {"Condition": {"Outcome": run.outcome}} if run.outcome else {}
    if step_type == "Fail":
        return {"Fail": {"ErrorMessage": run.error_message}}
    return {JOBS[step_type].metadata: {"Arn": run.arn}} if run.arn else {}
