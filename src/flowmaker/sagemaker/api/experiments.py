"""Experiments and their trials: create, describe, update, delete and list."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flowmaker.aws.errors import AwsError, validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import lists, members
from flowmaker.sagemaker.api.desk import Desk, arn, creation_needs, need
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import experiments as repository
from flowmaker.sagemaker.repository import resources
from flowmaker.sagemaker.repository.experiments import Where


@dataclass(frozen=True, slots=True)
class _Word:
    """How AWS speaks of a kind."""

    kind: Kind
    word: str
    #: What begins the names of members: `TrialName`.
    prefix: str


EXPERIMENT = _Word(Kind.EXPERIMENT, "Experiment", "Experiment")
TRIAL = _Word(Kind.TRIAL, "Trial", "Trial")
COMPONENT = _Word(Kind.TRIAL_COMPONENT, "Trial Component", "TrialComponent")


class Experiments:
    """The operations on experiments and on trials."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateExperiment": Operation(handler=self.create_experiment, needs=create_needs),
            "DescribeExperiment": Operation(handler=self.describe, needs=named_needs),
            "UpdateExperiment": Operation(handler=self.update, needs=named_needs),
            "DeleteExperiment": Operation(handler=self.delete_experiment, needs=named_needs),
            "ListExperiments": Operation(handler=self.list_experiments, needs=list_needs),
            "CreateTrial": Operation(handler=self.create_trial, needs=create_needs),
            "DescribeTrial": Operation(handler=self.describe, needs=named_needs),
            "UpdateTrial": Operation(handler=self.update, needs=named_needs),
            "DeleteTrial": Operation(handler=self.delete_trial, needs=named_needs),
            "ListTrials": Operation(handler=self.list_trials, needs=list_needs),
        }

    async def create_experiment(self, call: Call) -> Mapping[str, Any]:
        return await create(self._desk, call, EXPERIMENT)

    async def create_trial(self, call: Call) -> Mapping[str, Any]:
        await existing(self._desk, call, EXPERIMENT, call.parameters["ExperimentName"])
        return await create(self._desk, call, TRIAL)

    async def describe(self, call: Call) -> Mapping[str, Any]:
        word = word_of(call)
        return described(await existing(self._desk, call, word, _name(call, word)))

    async def update(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        word = word_of(call)
        return await update(self._desk, call, word, lambda state: _changed(state, call))

    async def delete_experiment(self, call: Call) -> Mapping[str, Any]:
        one = await existing(self._desk, call, EXPERIMENT, call.parameters["ExperimentName"])
        wanted = {"equal": {"request.ExperimentName": one.name}}
        trials = await lists.page(self._desk, call, _TRIALS, wanted)
        if trials["TrialSummaries"]:
            raise validation(f"Experiment '{one.name}' has trials. Delete these first.")
        await self._desk.database.write(resources.delete, one)
        return {"ExperimentArn": one.arn}

    async def delete_trial(self, call: Call) -> Mapping[str, Any]:
        one = await existing(self._desk, call, TRIAL, call.parameters["TrialName"])
        if await self._desk.database.read(repository.components_of, where(call), one.name):
            raise validation(f"Trial '{one.name}' has trial components. Disassociate these first.")
        await self._desk.database.write(resources.delete, one)
        return {"TrialArn": one.arn}

    async def list_experiments(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        return await lists.page(self._desk, call, _EXPERIMENTS)

    async def list_trials(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        narrowed: dict[str, Any] = {}
        if given.get("ExperimentName"):
            await existing(self._desk, call, EXPERIMENT, given["ExperimentName"])
            narrowed["equal"] = {"request.ExperimentName": given["ExperimentName"]}
        component = given.get("TrialComponentName")
        if component:
            await existing(self._desk, call, COMPONENT, component)
            narrowed["names"] = await self._desk.database.read(
                repository.trials_of, where(call), component
            )
        return await lists.page(self._desk, call, _TRIALS, narrowed)


# --- what experiments, trials and components have in common ---


def where(call: Call) -> Where:
    return Where(call.account, call.region)


def word_of(call: Call) -> _Word:
    """Which of the three an operation is about."""
    return next(
        word for word in (COMPONENT, TRIAL, EXPERIMENT) if call.operation.endswith(word.prefix)
    )


def _name(call: Call, word: _Word) -> str:
    """The name in the request; a component's ARN does, too."""
    return call.parameters[f"{word.prefix}Name"].rpartition("/")[2]


async def create(desk: Desk, call: Call, word: _Word) -> Mapping[str, Any]:
    """Put one on record, with what the request says of it."""
    members.check(call)
    name = call.parameters[f"{word.prefix}Name"]
    kept = {key: value for key, value in call.parameters.items() if key != "Tags"}
    one = desk.draft(call, word.kind, name, state={**kept, "CreatedBy": call.principal.arn})
    duplicate = validation(
        f"{word.word} names must be unique within an AWS account and region. "
        f"{word.word} with name ({name}) already exists."
    )
    await desk.create(call, one, duplicate)
    return {f"{word.prefix}Arn": one.arn}


async def existing(desk: Desk, call: Call, word: _Word, name: str) -> Resource:
    """The one of that name.

    Raises:
        AwsError: there is none.
    """
    found = await desk.find(call, word.kind, name)
    if found is None:
        raise AwsError("ResourceNotFound", f"{word.word} '{name}' does not exist.")
    return found


async def update(
    desk: Desk,
    call: Call,
    word: _Word,
    changed: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """Change its state, whoever else does."""
    saved = False
    while not saved:
        one = await existing(desk, call, word, _name(call, word))
        after = replace(
            one,
            state={**changed(one.state), "LastModifiedBy": call.principal.arn},
            modified_at=desk.clock.now(),
        )
        saved = await desk.database.write(resources.save, after)
    return {f"{word.prefix}Arn": arn(call, word.kind, _name(call, word))}


def _changed(state: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    told = ("DisplayName", "Description")
    return {**state, **{name: call.parameters[name] for name in told if name in call.parameters}}


def described(one: Resource) -> dict[str, Any]:
    """The answer of Describe, and what Search gives of each."""
    word = {word.kind: word for word in (EXPERIMENT, TRIAL, COMPONENT)}[one.kind]
    state = {name: value for name, value in one.state.items() if name not in _PEOPLE}
    answer: dict[str, Any] = {
        "DisplayName": one.name,
        **state,
        f"{word.prefix}Name": one.name,
        f"{word.prefix}Arn": one.arn,
        "CreationTime": one.created_at,
        "LastModifiedTime": one.modified_at,
    }
    for name in _TIMES:
        if isinstance(answer.get(name), str):
            answer[name] = datetime.fromisoformat(answer[name])
    for name in _PEOPLE:
        if one.state.get(name):
            identity = {"Arn": one.state[name], "PrincipalId": one.account}
            answer[name] = {"IamIdentity": identity}
    return answer


_PEOPLE = ("CreatedBy", "LastModifiedBy")
#: Members that a document keeps as text.
_TIMES = ("StartTime", "EndTime")
_SUMMARY = ("DisplayName", "CreationTime", "LastModifiedTime")


def _experiment_summary(one: Resource) -> dict[str, Any]:
    told = ("ExperimentName", "ExperimentArn", *_SUMMARY)
    return {name: value for name, value in described(one).items() if name in told}


def _trial_summary(one: Resource) -> dict[str, Any]:
    told = ("TrialName", "TrialArn", *_SUMMARY)
    return {name: value for name, value in described(one).items() if name in told}


_EXPERIMENTS = lists.Listing(
    kind=Kind.EXPERIMENT,
    member="ExperimentSummaries",
    prefix="Experiment",
    summary=_experiment_summary,
)
_TRIALS = lists.Listing(
    kind=Kind.TRIAL, member="TrialSummaries", prefix="Trial", summary=_trial_summary
)


async def named_needs(call: Call) -> Iterable[Need]:
    word = word_of(call)
    return [need(call, arn(call, word.kind, _name(call, word)))]


async def create_needs(call: Call) -> Iterable[Need]:
    word = word_of(call)
    return creation_needs(call, word.kind, call.parameters[f"{word.prefix}Name"])


async def list_needs(call: Call) -> Iterable[Need]:
    return [need(call, "*")]
