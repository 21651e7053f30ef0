"""What a pipeline's definition says, what its references are, and what an execution does next."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowmaker.sagemaker.lifecycle import pipeline_retries as retries
from flowmaker.sagemaker.lifecycle.pipeline_conditions import holds
from flowmaker.sagemaker.lifecycle.pipeline_definition import (
    DefinitionError,
    own_arguments,
    parse,
)
from flowmaker.sagemaker.lifecycle.pipeline_execution import (
    Decision,
    again,
    decide,
    request_stop,
)
from flowmaker.sagemaker.lifecycle.pipeline_jobs import (
    JOBS,
    cache_key,
    job_name,
    next_name,
    with_role,
)
from flowmaker.sagemaker.lifecycle.pipeline_parameters import values
from flowmaker.sagemaker.lifecycle.pipeline_selection import selected
from flowmaker.sagemaker.lifecycle.pipeline_times import duration
from flowmaker.sagemaker.lifecycle.references import Facts, Unresolved, files_wanted, resolve
from flowmaker.sagemaker.records.pipeline import (
    Definition,
    ExecutionState,
    StepRun,
    StepStatus,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRUE = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}


def step(name: str, kind: str = "Training", *needs: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": {}, "DependsOn": list(needs), **more}


def condition(name: str, yes: list[Any], no: list[Any]) -> dict[str, Any]:
    arguments = {"Conditions": [TRUE], "IfSteps": yes, "ElseSteps": no}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def text(*steps: Any, **more: Any) -> str:
    return json.dumps({"Version": "2020-12-01", "Steps": steps} | more)


def run(name: str, status: StepStatus = StepStatus.SUCCEEDED, **more: Any) -> StepRun:
    return StepRun(name=name, status=status, started_at=NOW, **more)


def state(*runs: StepRun, **more: Any) -> ExecutionState:
    return ExecutionState(
        pipeline_arn="p",
        role_arn="r",
        definition="",
        defined_at=NOW,
        created_by="me",
        steps=runs,
        **more,
    )


WITHIN = {"Type": "In", "QueryValue": 1}
THROTTLED = {"ExceptionType": ["Step.THROTTLING"]}
WHOLE = parse(
    text(
        step("A"),
        step("B", "Processing", "A"),
        step("C", "Processing"),
        condition("If", [step("Yes", "Model", "B")], [step("No", "Fail")]),
        step("After", "Transform", "Yes"),
    )
)


@pytest.mark.parametrize(
    ("runs", "more", "expected"),
    [
        ([], {}, Decision(begin=("A", "C", "If"))),
        ([], {"parallel": 2}, Decision(begin=("A", "C"))),
        ([run("A", StepStatus.EXECUTING)], {"parallel": 1}, Decision()),
        ([run("A"), run("C"), run("If", outcome="True")], {}, Decision(begin=("B",))),
        (
            [run("A"), run("B"), run("C"), run("If", outcome="True")],
            {},
            Decision(begin=("Yes",)),
        ),
        (
            [run("A"), run("B"), run("C"), run("If", outcome="False")],
            {},
            Decision(begin=("No",)),
        ),
        # What needs the step that failed does not run; all else does.
        ([run("A", StepStatus.FAILED)], {}, Decision(begin=("C", "If"))),
        (
            [run("A", StepStatus.FAILED), run("C"), run("If", outcome="True")],
            {},
            Decision(ending="Failed"),
        ),
        # A Fail step ends it all.
        (
            [
                run("A"),
                run("B", StepStatus.EXECUTING),
                run("If", outcome="False"),
                run("No", StepStatus.FAILED),
            ],
            {},
            Decision(stop=("B",)),
        ),
        (
            [run("A"), run("B"), run("C"), run("If", outcome="True"), run("Yes"), run("After")],
            {},
            Decision(ending="Succeeded"),
        ),
        # What is selected runs, whichever branch it is in, but for a condition that is selected.
        ([run("B")], {"selected": ("Yes",)}, Decision(begin=("Yes",))),
        (
            [run("B"), run("If", outcome="False")],
            {"selected": ("If", "Yes", "No")},
            Decision(begin=("No",)),
        ),
    ],
)
def test_what_an_execution_does_next(
    runs: list[StepRun], more: dict[str, Any], expected: Decision
) -> None:
    assert decide(WHOLE, state(*runs, **more)) == expected


def test_a_stopped_execution_ends_when_its_steps_have() -> None:
    stopped = request_stop(state(run("A", StepStatus.EXECUTING)))
    assert stopped.status == "Stopping"
    assert decide(WHOLE, stopped) == Decision(stop=("A",))
    assert decide(WHOLE, request_stop(state(run("A", StepStatus.STOPPING)))) == Decision()
    ending = decide(WHOLE, request_stop(state(run("A", StepStatus.STOPPED))))
    assert ending == Decision(ending="Stopped")


def test_a_retry_keeps_what_has_succeeded() -> None:
    failed = state(run("A"), run("B", StepStatus.FAILED), run("C"), status="Failed")
    retried = again(failed, "token")
    assert [one.name for one in retried.steps] == ["A", "C"]
    assert decide(WHOLE, retried).begin == ("B", "If")


def refusal(*steps: Any, **more: Any) -> str:
    with pytest.raises(DefinitionError) as raised:
        parse(text(*steps, **more))
    return str(raised.value)


@pytest.mark.parametrize("kind", ["Lambda", "Callback", "QualityCheck", "EMR", "AutoML", "X"])
def test_other_types_of_steps_are_refused_by_name(kind: str) -> None:
    assert f"The step S is of the type {kind}, which is not supported" in refusal(step("S", kind))
    inner = condition("If", [], [step("S", kind)])
    assert f"The step S is of the type {kind}" in refusal(inner)


@pytest.mark.parametrize(
    ("steps", "more", "told"),
    [
        ([], {}, "at least one step"),
        ([step("A")], {"Version": "2019-01-01"}, "Version must be 2020-12-01"),
        ([step("A")], {"Triggers": []}, "Triggers, which is not supported"),
        ([step("A"), step("A")], {}, "more than one step of the name A"),
        ([step("A b")], {}, "Name must be"),
        ([step("A", "Training", "B")], {}, "The step A needs the step B, which there is not"),
        (
            [step("A", "Training", "B"), step("B", "Training", "A")],
            {},
            "Steps wait for each other: ",
        ),
        (
            [step("A", Arguments={"X": {"Get": "Parameters.P"}})],
            {},
            "The step A refers to Parameters.P, which there is not",
        ),
        (
            [step("A", Arguments={"X": {"Get": "Steps.B.Arn"}})],
            {},
            "The step A needs the step B",
        ),
        (
            [step("A", CacheConfig={"Enabled": True, "ExpireAfter": "an hour"})],
            {},
            "ExpireAfter must be a duration",
        ),
        (
            [step("A", RetryPolicies=[{"ExceptionType": ["Step.OTHER"]}])],
            {},
            "ExceptionType of a retry policy must be of",
        ),
        (
            [{**condition("If", [], []), "Arguments": {"Conditions": [{"Type": "Almost"}]}}],
            {},
            "a condition's Type must be one of",
        ),
        ([step("A", Arguments={"X": {"Get": 1}})], {}, "Get must name one: 1"),
        ([step("A", Arguments={"X": {"Std:Join": {"On": ""}}})], {}, "needs a list of Values"),
        ([step("A", Arguments={"X": [{"Std:JsonGet": {"Path": "a"}}]})], {}, "or S3Uri"),
        ([step("A", Arguments={"X": {"Std:Add": {}}})], {}, "Std:Add is not supported"),
        ([step("A", Arguments=["x"])], {}, "Arguments must be an object"),
        (
            [step("A", RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "BackoffRate": "2"}])],
            {},
            "BackoffRate of a retry policy is no number",
        ),
        (
            [step("A", RetryPolicies=[{**THROTTLED, "MaxAttempts": 21}])],
            {},
            "MaxAttempts of a retry policy must be 0 to 20; it is 21",
        ),
        (
            [step("A", RetryPolicies=[{**THROTTLED, "BackoffRate": -1}])],
            {},
            "BackoffRate of a retry policy must be 0 or more; it is -1",
        ),
        (
            [step("A", RetryPolicies=[{**THROTTLED, "MaxAttempts": 1, "ExpireAfterMin": 1}])],
            {},
            "either MaxAttempts or ExpireAfterMin, not both",
        ),
        (
            [step("A", "Fail", RetryPolicies=[THROTTLED])],
            {},
            "RetryPolicies are not for steps of type Fail",
        ),
        ([step("A", "Fail"), step("B", "Training", "A")], {}, "B can not depends on A"),
        ([step("A", "Endpoint")], {}, "The step A: Arguments.EndpointName is required"),
        (
            [step("A", RetryPolicies=[{"ExceptionType": [{}]}])],
            {},
            "ExceptionType of a retry policy must be of",
        ),
        (
            [step("A", PropertyFiles=[{"PropertyFileName": [], "OutputName": "o"}])],
            {},
            "a property file needs PropertyFileName, a text",
        ),
        (
            [step("A", Arguments={"Get": "Execution.PipelineName"})],
            {},
            "Arguments must not be a reference as a whole",
        ),
        (
            [{**condition("If", [], []), "Arguments": {"Conditions": [{**WITHIN, "Values": 1}]}}],
            {},
            "Values of the condition In must be a list",
        ),
        ([step("A")], {"Parameters": ["P"]}, "Parameters: each must be an object"),
        ([step("A")], {"PipelineExperimentConfig": {"Name": "x"}}, "ExperimentName and TrialName"),
        ([step("A")], {"Steps": {}}, "at least one step"),
        ([step("A")], {"Steps": "x"}, "Steps must be a list"),
        ([step("A", Iterate=True)], {}, "The step A has Iterate, which is not supported"),
        ([step("A")], {"Parameters": [{"Name": "P", "Type": "List"}]}, "P must have a Type of"),
        (
            [step("A")],
            {"Parameters": [{"Name": "P", "Type": "Integer", "DefaultValue": "1"}]},
            "the default of P must be of type Integer",
        ),
    ],
)
def test_definitions_that_cannot_be(steps: list[Any], more: dict[str, Any], told: str) -> None:
    assert told in refusal(*steps, **more)


def test_members_that_say_nothing_are_left_alone() -> None:
    whole = text(step("A", RetryPolicies=None), MlflowConfig=None, PipelineExperimentConfig=None)
    assert list(parse(whole).steps) == ["A"]


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(DefinitionError, match="not valid JSON"):
        parse("{")


FACTS = Facts(
    parameters={"P": 3, "Flag": True, "Name": "n"},
    execution={"PipelineExecutionId": "abc"},
    properties={
        "Train": {"ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"}},
        "Tune": {"TrainingJobSummaries": [{"TrainingJobName": "best"}]},
        "Measure": {
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": "other", "S3Output": {"S3Uri": "s3://b/other"}},
                    {"OutputName": "report", "S3Output": {"S3Uri": "s3://b/report/"}},
                ]
            }
        },
    },
    files={("Measure", "Report"): ("report", "r.json")},
    documents={"s3://b/report/r.json": '{"a": {"b": [1, {"c d": 0.5}]}}'},
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ({"Get": "Parameters.P"}, 3),
        ({"x": [{"Get": "Parameters.Flag"}]}, {"x": [True]}),
        ({"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}, "s3://b/m"),
        ({"Get": "Steps.Tune.TrainingJobSummaries[0].TrainingJobName"}, "best"),
        (
            {"Get": "Steps.Measure.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"},
            "s3://b/report/",
        ),
        (
            {
                "Std:Join": {
                    "On": "/",
                    "Values": [
                        "s3:/",
                        {"Get": "Execution.PipelineExecutionId"},
                        {"Get": "Parameters.P"},
                        {"Get": "Parameters.Flag"},
                    ],
                }
            },
            "s3://abc/3/true",
        ),
        (
            {
                "Std:JsonGet": {
                    "PropertyFile": {"Get": "Steps.Measure.PropertyFiles.Report"},
                    "Path": "a.b[1]['c d']",
                }
            },
            0.5,
        ),
        (
            {
                "Std:JsonGet": {
                    "S3Uri": {"Std:Join": {"Values": ["s3://b/", "report/r.json"]}},
                    "Path": "$.a.b[0]",
                }
            },
            1,
        ),
    ],
)
def test_references_are_resolved(value: Any, expected: Any) -> None:
    assert resolve(value, FACTS) == expected


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"Get": "Steps.Other.Arn"}, "the step Other has not run"),
        ({"Get": "Steps.Train.Nothing"}, "the step Train has no .Nothing"),
        ({"Get": "Execution.Nothing"}, "refers to nothing"),
        (
            {
                "Std:JsonGet": {
                    "PropertyFile": {"Get": "Steps.Measure.PropertyFiles.Report"},
                    "Path": "a.x",
                }
            },
            "s3://b/report/r.json has no a.x",
        ),
    ],
)
def test_references_that_lead_nowhere_say_so(value: Any, told: str) -> None:
    with pytest.raises(Unresolved, match=told.replace("[", r"\[")):
        resolve(value, FACTS)


def test_the_files_that_are_needed_are_known_before_they_are_read() -> None:
    asked = {"PropertyFile": {"Get": "Steps.Measure.PropertyFiles.Report"}, "Path": "a"}
    nested = [{"x": {"Std:Join": {"Values": [{"Std:JsonGet": asked}]}}}]
    assert list(files_wanted(nested, FACTS)) == ["s3://b/report/r.json"]


def compared(kind: str, left: Any, right: Any) -> bool:
    return holds({"Type": kind, "LeftValue": left, "RightValue": right}, FACTS)


def test_conditions_hold_or_not() -> None:
    three = {"Get": "Parameters.P"}
    assert compared("Equals", three, 3)
    assert compared("Equals", "n", {"Get": "Parameters.Name"})
    assert not compared("Equals", "3a", three)
    assert compared("GreaterThan", three, 2.5)
    assert not compared("GreaterThan", three, 3)
    assert compared("GreaterThanOrEqualTo", three, 3)
    assert compared("LessThan", three, "3.5")
    assert compared("LessThanOrEqualTo", three, 3)
    within = {"Type": "In", "QueryValue": three, "Values": [1, {"Get": "Parameters.P"}]}
    assert holds(within, FACTS)
    assert not holds({"Type": "Not", "Condition": within}, FACTS)
    false = {"Type": "Equals", "LeftValue": 1, "RightValue": 2}
    assert holds({"Type": "Or", "Conditions": [false, TRUE]}, FACTS)
    assert not holds({"Type": "Or", "Conditions": [false, false]}, FACTS)
    with pytest.raises(Unresolved, match="cannot be compared"):
        compared("LessThan", "text", three)


DECLARED = parse(
    text(
        step("A"),
        Parameters=[
            {"Name": "I", "Type": "Integer", "DefaultValue": 1},
            {"Name": "F", "Type": "Float"},
            {"Name": "B", "Type": "Boolean", "DefaultValue": False},
            {"Name": "S", "Type": "String", "DefaultValue": "x", "EnumValues": ["x", "y"]},
        ],
    )
).parameters


def test_parameters_have_their_types() -> None:
    assert values(DECLARED, {"F": "2"}) == {"I": 1, "F": 2.0, "B": False, "S": "x"}
    given = {"I": "7", "F": "1e-3", "B": "True", "S": "y"}
    assert values(DECLARED, given) == {"I": 7, "F": 0.001, "B": True, "S": "y"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "must be given: F"),
        ({"F": "1", "X": "1"}, "no parameters X"),
        ({"F": "one"}, "F must be of type Float; it is 'one'"),
        ({"F": "1", "I": "1.5"}, "I must be of type Integer"),
        ({"F": "1", "B": "yes"}, "B must be of type Boolean"),
        ({"F": "1", "S": "z"}, "S must be one of x, y; it is z"),
    ],
)
def test_values_that_parameters_may_not_have(given: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        values(DECLARED, given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("P30D", timedelta(days=30)),
        ("p30d", timedelta(days=30)),
        ("30dT5h", timedelta(days=30, hours=5)),
        ("T16m", timedelta(minutes=16)),
        ("P4DT12H", timedelta(days=4, hours=12)),
        ("5y", timedelta(days=1825)),
        ("P2W", timedelta(weeks=2)),
        ("P", None),
        ("1h", None),
    ],
)
def test_durations(given: str, expected: timedelta | None) -> None:
    assert duration(given) == expected


def test_names_of_jobs_follow_from_their_steps() -> None:
    name = job_name(JOBS["Training"], "abcdefghijkl", "My_Step", "0")
    assert name.startswith("pipelines-abcdefghijkl-My-Step-")
    assert name == job_name(JOBS["Training"], "abcdefghijkl", "My_Step", "0")
    assert name != job_name(JOBS["Training"], "abcdefghijkl", "My_Step", "1")
    assert next_name(name) != name
    assert next_name(name)[:-10] == name[:-10]
    for job in JOBS.values():
        assert len(job_name(job, "abcdefghijkl", "x" * 64, "0")) <= job.longest_name
    custom = job_name(JOBS["Training"], "abcdefghijkl", "S", "0", "mine")
    assert custom.startswith("mine-abcdefghijkl-")


def test_jobs_without_a_role_have_the_executions() -> None:
    assert with_role(JOBS["Training"], {"a": 1}, "r") == {"RoleArn": "r", "a": 1}
    assert with_role(JOBS["Processing"], {"RoleArn": "own"}, "r") == {"RoleArn": "own"}
    assert with_role(JOBS["Model"], {}, "r") == {"ExecutionRoleArn": "r"}
    assert with_role(JOBS["Transform"], {}, "r") == {}
    tuned = with_role(JOBS["Tuning"], {"TrainingJobDefinitions": [{}, {"RoleArn": "own"}]}, "r")
    assert tuned == {"TrainingJobDefinitions": [{"RoleArn": "r"}, {"RoleArn": "own"}]}


def test_what_the_cache_counts_as_the_same() -> None:
    asked = {"HyperParameters": {"a": "1"}, "ResourceConfig": {"InstanceCount": 1}}
    key = cache_key("Training", asked)
    assert key == cache_key("Training", {**asked, "ResourceConfig": {"InstanceCount": 2}})
    assert key != cache_key("Training", {**asked, "HyperParameters": {"a": "2"}})
    moved = {"ModelName": "m", "TransformOutput": {"S3OutputPath": "s3://b/2"}}
    assert cache_key("Transform", moved) == cache_key("Transform", {"ModelName": "m"})
    tuned = {"InputDataConfig": [], "ResourceConfig": {"InstanceCount": 1}}
    tuning, larger = ({"TrainingJobDefinition": {**tuned, "ResourceConfig": n}} for n in (1, 2))
    assert cache_key("Tuning", tuning) == cache_key("Tuning", larger)
    other = {"TrainingJobDefinition": {**tuned, "StaticHyperParameters": {"a": "2"}}}
    assert cache_key("Tuning", tuning) != cache_key("Tuning", other)


def tried(attempt: int, exception: str, **policy: Any) -> float | None:
    """Seconds until the next try."""
    policies = [{"ExceptionType": ["SageMaker.RESOURCE_LIMIT"], **policy}] if policy else []
    made = parse(text(step("A", RetryPolicies=policies))).steps["A"]
    at = retries.again_at(made, run("A", attempt=attempt), exception, NOW)
    return (at - NOW).total_seconds() if at else None


def test_retry_policies() -> None:
    limit = retries.of_code("ResourceLimitExceeded")
    assert tried(1, limit) is None
    assert tried(1, retries.of_code("ThrottlingException")) == 1
    assert tried(4, retries.of_code("ThrottlingException")) is None
    assert tried(1, limit, MaxAttempts=2, IntervalSeconds=5) == 5
    assert tried(2, limit, MaxAttempts=2, IntervalSeconds=5, BackoffRate=3) == 15
    assert tried(3, limit, MaxAttempts=2) is None
    assert tried(1, limit, ExpireAfterMin=1, IntervalSeconds=61) is None
    assert tried(5, limit, IntervalSeconds=0) == 0, "five times, where nothing is said"
    assert tried(6, limit, IntervalSeconds=0) is None
    assert retries.of_reason("InternalServerError: x") == retries.INTERNAL_ERROR
    assert retries.of_reason("AlgorithmError: x") == ""


@pytest.mark.parametrize(("kind", "again"), [("Training", True), ("Tuning", False)])
def test_a_tuning_job_is_not_made_again_for_an_internal_error(kind: str, *, again: bool) -> None:
    policy = {"ExceptionType": [retries.INTERNAL_ERROR], "MaxAttempts": 2}
    made = parse(text(step("A", kind, RetryPolicies=[policy]))).steps["A"]
    at = retries.again_at(made, run("A"), retries.INTERNAL_ERROR, NOW)
    assert (at is not None) is again


def names(definition: Definition, *chosen: str) -> list[str]:
    earlier = [run("A"), run("B"), run("C", StepStatus.FAILED)]
    return [one.name for one in selected(definition, chosen, earlier, "arn")]


def test_selected_steps_find_what_they_need() -> None:
    assert names(WHOLE, "Yes") == ["B"]
    assert names(WHOLE, "B", "Yes") == ["A"]
    with pytest.raises(ValueError, match="no steps X"):
        names(WHOLE, "X")
    with pytest.raises(ValueError, match="must have results of the steps Yes"):
        names(WHOLE, "After")


def test_steps_between_selected_ones_are_selected_too() -> None:
    with pytest.raises(ValueError, match="the steps B are on the way"):
        names(WHOLE, "A", "Yes")


ODD: list[Any] = [None, True, 0, -1, 1.5, "", "A", [], [1], {}, {"Get": "Parameters.P"}, [[]], [{}]]
EVERYTHING = json.loads(
    text(
        step(
            "A",
            Arguments={"X": {"Std:Join": {"On": "-", "Values": [{"Get": "Parameters.P"}]}}},
            CacheConfig={"Enabled": True, "ExpireAfter": "P30D"},
            RetryPolicies=[{**THROTTLED, "MaxAttempts": 2}],
        ),
        step(
            "M",
            "Processing",
            "A",
            PropertyFiles=[{"PropertyFileName": "R", "OutputName": "o", "FilePath": "r.json"}],
        ),
        {
            **condition("If", [step("Yes", "Model", "M")], [step("No", "Fail")]),
            "Arguments": {
                "Conditions": [
                    {"Type": "Or", "Conditions": [{**WITHIN, "Values": [{"Get": "Parameters.P"}]}]},
                    {"Type": "Not", "Condition": TRUE},
                ]
            },
        },
        Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": 1, "EnumValues": [1, 2]}],
        PipelineExperimentConfig={"ExperimentName": "e", "TrialName": "t"},
    )
)


def within(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where everything in a document is."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield (*path, key)
        yield from within(inner, (*path, key))


@given(place=st.sampled_from([*within(EVERYTHING)]), odd=st.sampled_from(ODD))
@settings(max_examples=400, deadline=None)
def test_definitions_with_anything_anywhere_are_understood_or_refused(
    place: tuple[Any, ...], odd: Any
) -> None:
    document = copy.deepcopy(EVERYTHING)
    at = document
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = odd
    with suppress(DefinitionError):  # and nothing else
        understood = parse(json.dumps(document))
        facts = Facts(parameters={"P": odd}, properties={"A": {"Arn": odd}})
        for one in understood.steps.values():
            own = own_arguments(one.type, one.arguments)
            with suppress(Unresolved):
                assert isinstance(resolve(own, facts), dict)
            with suppress(Unresolved):
                assert all(
                    holds(each, facts) in (True, False) for each in own.get("Conditions", ())
                )
