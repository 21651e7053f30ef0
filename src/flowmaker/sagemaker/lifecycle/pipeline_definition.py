"""A pipeline's definition, JSON of version 2020-12-01: what it says, and why it cannot be."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast

from flowmaker.sagemaker.lifecycle.pipeline_conditions import MEMBERS
from flowmaker.sagemaker.lifecycle.pipeline_parameters import declared
from flowmaker.sagemaker.lifecycle.pipeline_retries import EXCEPTIONS
from flowmaker.sagemaker.lifecycle.pipeline_times import duration
from flowmaker.sagemaker.lifecycle.references import malformed, referred, split_step
from flowmaker.sagemaker.records.pipeline import Definition, RetryPolicy, Step

VERSION = "2020-12-01"
#: The types of steps that work, and what each must have in its arguments.
TYPES: Mapping[str, tuple[str, ...]] = {
    "Training": (),
    "Processing": (),
    "Transform": (),
    "Tuning": (),
    "Model": (),
    "RegisterModel": (),
    "EndpointConfig": ("EndpointConfigName", "ProductionVariants"),
    "Endpoint": ("EndpointName", "EndpointConfigName"),
    "Condition": ("Conditions",),
    "Fail": (),
}
#: Steps of these types are not tried again; all others are, by their RetryPolicies.
_TRIED_ONCE = frozenset({"Condition", "Endpoint", "Fail"})
#: The most that a retry policy may have of each.
_RETRY_NUMBERS = {
    "IntervalSeconds": 43_200,
    "BackoffRate": None,
    "MaxAttempts": 20,
    "ExpireAfterMin": 14_400,
}
#: Tries that a policy without MaxAttempts and ExpireAfterMin has.
_ATTEMPTS = 5
#: Execution variables.
VARIABLES = frozenset(
    {
        "StartDateTime",
        "CurrentDateTime",
        "PipelineName",
        "PipelineArn",
        "PipelineExecutionId",
        "PipelineExecutionArn",
        "TrainingJobName",
        "ProcessingJobName",
    }
)
_MEMBERS = frozenset({"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps"})
_STEP_MEMBERS = frozenset(
    {
        "Name",
        "Type",
        "Arguments",
        "DependsOn",
        "DisplayName",
        "Description",
        "CacheConfig",
        "RetryPolicies",
        "PropertyFiles",
    }
)
_NAME = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9_])*-*")
_LONGEST_NAME = 64


class DefinitionError(Exception):
    """The definition cannot be; the message says where and why."""


@lru_cache(maxsize=64)
def parse(text: str) -> Definition:
    """What a definition says.

    Raises:
        DefinitionError: it cannot be.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"The pipeline definition is not valid JSON: {error}") from None
    whole = _mapping(document, "The pipeline definition")
    _refuse_unknown(whole, _MEMBERS, "The pipeline definition")
    if whole.get("Version") != VERSION:
        raise DefinitionError(f"Version must be {VERSION}; it is {whole.get('Version')!r}")
    listed = _list(whole.get("Parameters") or [], "Parameters")
    try:
        parameters = declared(_mapping(one, "Parameters: each") for one in listed)
    except (ValueError, TypeError) as error:
        raise DefinitionError(str(error)) from None
    found = list(_steps(whole.get("Steps") or [], "Steps", "", ""))
    if not found:
        raise DefinitionError("Steps: a pipeline has at least one step")
    steps = {one.name: one for one in found}
    if len(steps) < len(found):
        names = [one.name for one in found]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DefinitionError(f"Steps: there is more than one step of the name {', '.join(twice)}")
    experiment = _mapping(whole.get("PipelineExperimentConfig") or {}, "PipelineExperimentConfig")
    definition = Definition(parameters=parameters, steps=steps, experiment=experiment)
    _check_references(definition)
    _check_order(steps)
    return definition


def _steps(given: Any, where: str, condition: str, outcome: str) -> Iterator[Step]:  # noqa: ANN401 - JSON
    """The steps of a list, and those in the branches of its conditions."""
    for number, one in enumerate(_list(given, where)):
        step = _step(_mapping(one, f"{where}[{number}]"), f"{where}[{number}]", condition, outcome)
        yield step
        if step.type == "Condition":
            for branch, taken in (("IfSteps", "True"), ("ElseSteps", "False")):
                where = f"{step.name}.{branch}"
                yield from _steps(step.arguments.get(branch) or [], where, step.name, taken)


def _step(given: Mapping[str, Any], where: str, condition: str, outcome: str) -> Step:
    name, kind = given.get("Name"), str(given.get("Type"))
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise DefinitionError(
            f"{where}: Name must be 1 to {_LONGEST_NAME} letters, digits, hyphens and "
            f"underscores; it is {name!r}"
        )
    if kind not in TYPES:
        raise DefinitionError(
            f"The step {name} is of the type {kind}, which is not supported by Flowmaker. "
            f"Supported are {', '.join(TYPES)}."
        )
    _refuse_unknown(given, _STEP_MEMBERS, f"The step {name}")
    arguments = _mapping(given.get("Arguments") or {}, f"The step {name}: Arguments")
    if arguments.keys() & {"Get", "Std:Join", "Std:JsonGet"}:
        raise DefinitionError(f"The step {name}: Arguments must not be a reference as a whole")
    for member in TYPES[kind]:
        if not arguments.get(member):
            raise DefinitionError(f"The step {name}: Arguments.{member} is required")
    if kind == "Condition":
        for one in _list(arguments["Conditions"], f"The step {name}: Conditions"):
            _check_condition(one, name)
    cache = _mapping(given.get("CacheConfig") or {}, f"The step {name}: CacheConfig")
    return Step(
        name=name,
        type=kind,
        arguments=arguments,
        needs=_needs(given, arguments, name, kind),
        condition=condition,
        outcome=outcome,
        display_name=str(given.get("DisplayName") or ""),
        description=str(given.get("Description") or ""),
        cached=bool(cache.get("Enabled")),
        expire_after=_expiry(cache, name),
        retry_policies=tuple(_policies(given.get("RetryPolicies") or [], name, kind)),
        property_files=_property_files(given.get("PropertyFiles") or [], name),
    )


def own_arguments(kind: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a step without those of the steps in its branches."""
    branches = ("IfSteps", "ElseSteps") if kind == "Condition" else ()
    return {name: value for name, value in arguments.items() if name not in branches}


def _needs(
    given: Mapping[str, Any], arguments: Mapping[str, Any], name: str, kind: str
) -> tuple[str, ...]:
    named = _list(given.get("DependsOn") or [], f"The step {name}: DependsOn")
    own = own_arguments(kind, arguments)
    steps = [one.removeprefix("Steps.") for one in referred(own) if one.startswith("Steps.")]
    return tuple(sorted({*map(str, named), *(split_step(one)[0] for one in steps)}))


def _check_condition(given: Any, step: str) -> None:  # noqa: ANN401 - JSON
    condition = _mapping(given, f"The step {step}: a condition")
    kind = str(condition.get("Type"))
    if kind not in MEMBERS:
        raise DefinitionError(
            f"The step {step}: a condition's Type must be one of {', '.join(MEMBERS)}; it is {kind}"
        )
    for member in MEMBERS[kind]:
        if member not in condition:
            raise DefinitionError(f"The step {step}: the condition {kind} needs {member}")
    if kind == "In":
        _list(condition["Values"], f"The step {step}: Values of the condition In")
    inner = [condition["Condition"]] if kind == "Not" else condition.get("Conditions", [])
    for one in _list(inner, f"The step {step}: Conditions"):
        _check_condition(one, step)


def _expiry(cache: Mapping[str, Any], step: str) -> str:
    text = str(cache.get("ExpireAfter") or "")
    if text and duration(text) is None:
        raise DefinitionError(
            f"The step {step}: CacheConfig.ExpireAfter must be a duration of ISO 8601 such as "
            f"P30D or PT1H; it is {text!r}"
        )
    return text


def _policies(given: Any, step: str, kind: str) -> Iterator[RetryPolicy]:  # noqa: ANN401 - JSON
    listed = _list(given, f"The step {step}: RetryPolicies")
    if listed and kind in _TRIED_ONCE:
        raise DefinitionError(f"The step {step}: RetryPolicies are not for steps of type {kind}")
    for one in listed:
        yield _policy(_mapping(one, f"The step {step}: a retry policy"), step)


def _policy(policy: Mapping[str, Any], step: str) -> RetryPolicy:
    listed = _list(policy.get("ExceptionType") or [], f"The step {step}: ExceptionType")
    unknown = [one for one in listed if not isinstance(one, str) or one not in EXCEPTIONS]
    if unknown or not listed:
        raise DefinitionError(
            f"The step {step}: ExceptionType of a retry policy must be of "
            f"{', '.join(sorted(EXCEPTIONS))}; it is {', '.join(map(str, unknown)) or 'empty'}"
        )
    for member, most in _RETRY_NUMBERS.items():
        value = policy.get(member, 0)
        if not isinstance(value, int | float):
            raise DefinitionError(f"The step {step}: {member} of a retry policy is no number")
        if value < 0 or (most is not None and value > most):
            upto = "0 or more" if most is None else f"0 to {most}"
            raise DefinitionError(
                f"The step {step}: {member} of a retry policy must be {upto}; it is {value}"
            )
    attempts, minutes = policy.get("MaxAttempts"), policy.get("ExpireAfterMin")
    if attempts is not None and minutes is not None:
        raise DefinitionError(
            f"The step {step}: a retry policy has either MaxAttempts or ExpireAfterMin, not both"
        )
    return RetryPolicy(
        exceptions=tuple(listed),
        interval=policy.get("IntervalSeconds", 1),
        rate=policy.get("BackoffRate", 2.0),
        attempts=_ATTEMPTS if attempts is None and minutes is None else attempts,
        minutes=minutes,
    )


def _property_files(given: Any, step: str) -> dict[str, tuple[str, str]]:  # noqa: ANN401 - JSON
    found: dict[str, tuple[str, str]] = {}
    for one in _list(given, f"The step {step}: PropertyFiles"):
        file = _mapping(one, f"The step {step}: a property file")
        for member in ("PropertyFileName", "OutputName", "FilePath"):
            if not isinstance(file.get(member), str):
                raise DefinitionError(f"The step {step}: a property file needs {member}, a text")
        found[file["PropertyFileName"]] = (file["OutputName"], file["FilePath"])
    return found


def _check_references(definition: Definition) -> None:
    """Everything that is referred to is there."""
    for step in definition.steps.values():
        fault = malformed(own_arguments(step.type, step.arguments))
        if fault:
            raise DefinitionError(f"The step {step.name}: {fault}")
        for needed in step.needs:
            _check_needed(step, definition.steps.get(needed), needed)
        for reference in referred(own_arguments(step.type, step.arguments)):
            _check_reference(reference, definition, f"The step {step.name}")
    fault = malformed(definition.experiment)
    if fault or definition.experiment.keys() - {"ExperimentName", "TrialName"}:
        raise DefinitionError(
            f"PipelineExperimentConfig: {fault or 'it has ExperimentName and TrialName alone'}"
        )
    for reference in referred(definition.experiment):
        _check_reference(reference, definition, "PipelineExperimentConfig")


def _check_needed(step: Step, needed: Step | None, name: str) -> None:
    if needed is None:
        raise DefinitionError(f"The step {step.name} needs the step {name}, which there is not")
    if needed.type == "Fail":
        raise DefinitionError(
            f"{step.name} can not depends on {name}: a Fail step ends the execution"
        )


def _check_reference(reference: str, definition: Definition, where: str) -> None:
    kind, _, rest = reference.partition(".")
    if kind == "Parameters" and rest in definition.parameters:
        return
    if kind == "Execution" and rest in VARIABLES:
        return
    if kind == "PipelineExperimentConfig" and rest in definition.experiment:
        return
    name, path = split_step(rest)
    if kind == "Steps" and name in definition.steps:
        if not path.startswith(".PropertyFiles."):
            return
        if path.removeprefix(".PropertyFiles.") in definition.steps[name].property_files:
            return
    raise DefinitionError(f"{where} refers to {reference}, which there is not")


def _check_order(steps: Mapping[str, Step]) -> None:
    """No step waits for itself."""
    before = {
        step.name: [*step.needs, *([step.condition] if step.condition else [])]
        for step in steps.values()
    }
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        circle = cast("Sequence[str]", error.args[1])
        raise DefinitionError(f"Steps wait for each other: {' -> '.join(circle)}") from None


def _refuse_unknown(given: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    for member, value in given.items():
        if value is not None and member not in known:
            raise DefinitionError(f"{where} has {member}, which is not supported by Flowmaker")


def _mapping(value: Any, where: str) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
    if not isinstance(value, dict):
        raise DefinitionError(f"{where} must be an object")
    return cast("Mapping[str, Any]", value)


def _list(value: Any, where: str) -> list[Any]:  # noqa: ANN401 - JSON
    if not isinstance(value, list):
        raise DefinitionError(f"{where} must be a list")
    return cast("list[Any]", value)
