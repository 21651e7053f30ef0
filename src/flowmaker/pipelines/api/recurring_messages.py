"""Request messages of recurring runs: `messages.py` has how they are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api import messages
from flowmaker.pipelines.api.messages import Kind, Message
from flowmaker.pipelines.records.recurring import Trigger

RECURRING = Message(
    "recurring run",
    {
        **messages.RUN.fields,
        "namespace": Kind.STRING,
        "max_concurrency": Kind.ANY,
        "trigger": Kind.OBJECT,
        "mode": Kind.ANY,
        "no_catchup": Kind.FLAG,
    },
    frozenset({"recurring_run_id", "created_at", "updated_at", "status", "error"}),
    {"plugins_input": "Flowmaker has no plugins"},
)
TRIGGER = Message(
    "recurring run.trigger", {"cron_schedule": Kind.OBJECT, "periodic_schedule": Kind.OBJECT}
)
CRON = Message(
    "recurring run.trigger.cron_schedule",
    {"start_time": Kind.STRING, "end_time": Kind.STRING, "cron": Kind.STRING},
)
PERIODIC = Message(
    "recurring run.trigger.periodic_schedule",
    {"start_time": Kind.STRING, "end_time": Kind.STRING, "interval_second": Kind.ANY},
)
#: KFP's enum `RecurringRun.Mode`, by name and by number.
_MODES: Mapping[Any, bool] = {
    "MODE_UNSPECIFIED": True, "ENABLE": True, "DISABLE": False, 0: True, 1: True, 2: False,
}  # fmt: skip
_MOST_AT_ONCE = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class RecurringRequest:
    """A recurring run that is asked for: its run, and when."""

    run: messages.RunRequest
    #: Where KFP has several users: the experiment's, if it is said at all.
    namespace: str
    trigger: Trigger
    enabled: bool
    max_concurrency: int
    no_catchup: bool


def recurring_request(document: Any) -> RecurringRequest:  # noqa: ANN401
    """What `POST /recurringruns` asks for."""
    given = RECURRING.read(document)
    mode = given.get("mode", "ENABLE")
    if isinstance(mode, bool) or not isinstance(mode, str | int) or mode not in _MODES:
        raise InvalidInput(f"recurring run: mode must be ENABLE or DISABLE; it is {mode!r}.")
    at_once = _number("recurring run: max_concurrency", given.get("max_concurrency", 1))
    if not 1 <= at_once <= _MOST_AT_ONCE:
        raise InvalidInput(
            f"recurring run: max_concurrency must be from 1 to {_MOST_AT_ONCE}; it is {at_once}."
        )
    return RecurringRequest(
        run=messages.run_of("recurring run", given),
        namespace=given.get("namespace", ""),
        trigger=_trigger(given.get("trigger", {})),
        enabled=_MODES[mode],
        max_concurrency=at_once,
        no_catchup=given.get("no_catchup", False),
    )


def _trigger(document: Any) -> Trigger:  # noqa: ANN401
    given = TRIGGER.read(document)
    if len(given) > 1:
        raise InvalidInput(f"{TRIGGER.name}: give one of {' and '.join(sorted(given))}.")
    message = CRON if "cron_schedule" in given else PERIODIC
    fields = message.read(next(iter(given.values())) if given else {})
    times = {
        end: messages.parse_time(f"{message.name}.{end}", fields[end])
        for end in ("start_time", "end_time")
        if end in fields
    }
    interval = _number(f"{message.name}: interval_second", fields.get("interval_second", 0))
    return Trigger(cron=fields.get("cron", "").strip(), interval_second=interval, **times)


def _number(place: str, value: Any) -> int:  # noqa: ANN401
    """A 64-bit number, which proto3 JSON writes as a text and reads in both forms."""
    is_text = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value)
    if not is_text and (isinstance(value, bool) or not isinstance(value, int)):
        raise InvalidInput(f"{place} must be a whole number; it is {value!r}.")
    return int(value)
