"""The operations of CloudWatch Logs that make, fill, change and remove groups and streams."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import ModuleType
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs import putting, repository
from flowmaker.aws.logs.members import check
from flowmaker.aws.logs.needs import new_group, one_group, one_stream, tagged, tagged_by_name
from flowmaker.aws.logs.repository import Group, Place, kept
from flowmaker.aws.logs.repository.kept import KeptStream
from flowmaker.aws.service import Call, Handler, Needs, Operation
from flowmaker.clock import Clock
from flowmaker.ids import arn
from flowmaker.store.database import Database, Transaction

#: Groups of that name are SageMaker's: they are what its jobs and endpoints print.
OF_JOBS = "/aws/sagemaker/"
NO_GROUP = "The specified log group does not exist."
NO_STREAM = "The specified log stream does not exist."
MOST_TAGS = 50

Change = Callable[[Transaction, Call, datetime], Mapping[str, Any] | None]


class LogChanges:
    """Each is one transaction: it is done whole, or not at all."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        changes: dict[str, tuple[Change, Needs]] = {
            "CreateLogGroup": (_create_group, new_group),
            "DeleteLogGroup": (_delete_group, one_group),
            "CreateLogStream": (_create_stream, one_stream),
            "DeleteLogStream": (_delete_stream, one_stream),
            "PutLogEvents": (_put, one_stream),
            "PutRetentionPolicy": (_put_retention, one_group),
            "DeleteRetentionPolicy": (_delete_retention, one_group),
            "ListTagsForResource": (_tags, tagged),
            "TagResource": (_tag, tagged),
            "UntagResource": (_untag, tagged),
            "ListTagsLogGroup": (_tags, tagged_by_name),
            "TagLogGroup": (_tag, tagged_by_name),
            "UntagLogGroup": (_untag, tagged_by_name),
        }
        return {
            name: Operation(handler=self._handler(change), needs=needs)
            for name, (change, needs) in changes.items()
        }

    def _handler(self, change: Change) -> Handler:
        async def handler(call: Call) -> Mapping[str, Any] | None:
            check(call)
            return await self._database.write(change, call, self._clock.now())

        return handler


def place(call: Call) -> Place:
    """Whose logs a request is about."""
    return Place(account=call.account, region=call.region)


def milliseconds(time: datetime) -> int:
    """As CloudWatch Logs counts time."""
    return int(time.timestamp() * 1000)


def _create_group(tx: Transaction, call: Call, now: datetime) -> None:
    given = call.parameters
    name, where = given["logGroupName"], place(call)
    if given.get("logGroupClass", "STANDARD") != "STANDARD":
        raise _invalid("Flowmaker has log groups of the class STANDARD only")
    if kept.find_group(tx, where, name) or repository.find_group(tx, where, name):
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
    _refuse_of_jobs(name)
    kept.add_group(tx, where, Group(name=name, created_at=now), given.get("tags") or {})


def _delete_group(tx: Transaction, call: Call, now: datetime) -> None:  # noqa: ARG001
    kept.remove_group(tx, place(call), _group(tx, call).name)


def _create_stream(tx: Transaction, call: Call, now: datetime) -> None:
    group, name = _group(tx, call), call.parameters["logStreamName"]
    if kept.find_stream(tx, place(call), group.name, name):
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")
    kept.add_stream(tx, place(call), group.name, name, now)


def _delete_stream(tx: Transaction, call: Call, now: datetime) -> None:  # noqa: ARG001
    kept.remove_stream(tx, _stream(tx, call, _group(tx, call)))


def _put(tx: Transaction, call: Call, now: datetime) -> Mapping[str, Any]:
    group = _group(tx, call)
    stream = _stream(tx, call, group)
    time = milliseconds(now)
    taken = putting.taken(call.parameters["logEvents"], time, group.retention_days)
    kept.forget(tx, stream, putting.cutoff(time, group.retention_days))
    last = kept.add_events(tx, stream, taken.events, time)
    rejected = {"rejectedLogEventsInfo": taken.rejected} if taken.rejected else {}
    return {"nextSequenceToken": f"{last:056d}"} | rejected


def _put_retention(tx: Transaction, call: Call, now: datetime) -> None:
    days = call.parameters["retentionInDays"]
    if days not in putting.RETENTIONS:
        allowed = ", ".join(str(one) for one in putting.RETENTIONS)
        raise _invalid(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{allowed}]"
        )
    _set_retention(tx, call, now, days)


def _delete_retention(tx: Transaction, call: Call, now: datetime) -> None:
    _set_retention(tx, call, now, None)


def _set_retention(tx: Transaction, call: Call, now: datetime, days: int | None) -> None:
    group = _any(tx, call, call.parameters["logGroupName"])
    if group.is_kept:
        kept.set_retention(tx, place(call), group.name, days)
    else:
        gone = putting.shown_since(group, milliseconds(now))
        repository.set_retention(tx, place(call), group.name, days, gone)


def _tags(tx: Transaction, call: Call, now: datetime) -> Mapping[str, Any]:  # noqa: ARG001
    group = _named(tx, call)
    return {"tags": _kept_in(group).tags(tx, place(call), group.name)}


def _tag(tx: Transaction, call: Call, now: datetime) -> None:  # noqa: ARG001
    group = _named(tx, call)
    rows = _kept_in(group)
    tags = rows.tags(tx, place(call), group.name) | call.parameters["tags"]
    if len(tags) > MOST_TAGS:
        raise AwsError("TooManyTagsException", f"A resource has at most {MOST_TAGS} tags")
    rows.set_tags(tx, place(call), group.name, tags)


def _untag(tx: Transaction, call: Call, now: datetime) -> None:  # noqa: ARG001
    group = _named(tx, call)
    # The older operation calls the keys `tags`.
    rows, gone = _kept_in(group), call.parameters.get("tagKeys") or call.parameters.get("tags", ())
    tags = rows.tags(tx, place(call), group.name)
    left = {key: one for key, one in tags.items() if key not in gone}
    rows.set_tags(tx, place(call), group.name, left)


def _kept_in(group: Group) -> ModuleType:
    """Whose rows tell of the group: the two have the same functions for tags."""
    return kept if group.is_kept else repository


def _named(tx: Transaction, call: Call) -> Group:
    """The group of the request's ARN, or of its name in the older operations."""
    if "logGroupName" in call.parameters:
        return _any(tx, call, call.parameters["logGroupName"])
    prefix = arn("logs", call.region, call.account, "log-group:")
    given: str = call.parameters["resourceArn"]
    if not given.startswith(prefix):
        raise AwsError("ResourceNotFoundException", NO_GROUP)
    return _any(tx, call, given.removeprefix(prefix))


def _any(tx: Transaction, call: Call, name: str) -> Group:
    """A group of one's own, or one that jobs print to."""
    if name.startswith(OF_JOBS) and (found := repository.find_group(tx, place(call), name)):
        return found
    return _existing(tx, call, name)


def _group(tx: Transaction, call: Call) -> Group:
    return _own(tx, call, call.parameters["logGroupName"])


def _own(tx: Transaction, call: Call, name: str) -> Group:
    _refuse_of_jobs(name)
    return _existing(tx, call, name)


def _existing(tx: Transaction, call: Call, name: str) -> Group:
    found = kept.find_group(tx, place(call), name)
    if found is None:
        raise AwsError("ResourceNotFoundException", NO_GROUP)
    return found


def _stream(tx: Transaction, call: Call, group: Group) -> KeptStream:
    found = kept.find_stream(tx, place(call), group.name, call.parameters["logStreamName"])
    if found is None:
        raise AwsError("ResourceNotFoundException", NO_STREAM)
    return found


def _refuse_of_jobs(name: str) -> None:
    if name.startswith(OF_JOBS):
        raise _invalid(
            f"Log groups whose names begin with {OF_JOBS} are what jobs and endpoints print: "
            "Flowmaker reads them from their log files, and they cannot be changed"
        )


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
