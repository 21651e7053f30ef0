"""Log groups of one's own by boto3 and the aws CLI: made, filled, read, kept, removed."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.logs.repository import Place
from flowmaker.aws.logs.streams import LogStreams
from flowmaker.ids import ACCOUNT
from tests.fakes.accounts import refused
from tests.fakes.iam_server import REGION, IamServer, iam_server

MINUTE = 60 * 1000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
OF_JOBS = "/aws/sagemaker/TrainingJobs"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamServer]:
    with iam_server(tmp_path_factory.mktemp("logs")) as running:
        yield running


@pytest.fixture
def logs(server: IamServer) -> Iterator[Any]:
    """A client whose own groups go when the test ends."""
    client = server.client("logs")
    yield client
    server.clock.ahead = timedelta()
    for group in client.describe_log_groups()["logGroups"]:
        if not group["logGroupName"].startswith(OF_JOBS):
            client.delete_log_group(logGroupName=group["logGroupName"])


@pytest.fixture(scope="module")
def of_jobs(server: IamServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The group of a job's stream, which printed a line."""
    file = tmp_path_factory.mktemp("job") / "log"
    file.write_text("from the job\n")
    streams, where = (
        LogStreams(server.database, server.clock),
        Place(account=ACCOUNT, region=REGION),
    )
    asyncio.run(streams.open(where, OF_JOBS, "job/algo-1", file))
    asyncio.run(streams.close(where, OF_JOBS, "job/algo-1"))
    return OF_JOBS


def now(server: IamServer) -> int:
    return int(server.clock.now().timestamp() * 1000)


def stream(logs: Any, group: str, name: str) -> dict[str, str]:
    logs.create_log_stream(logGroupName=group, logStreamName=name)
    return {"logGroupName": group, "logStreamName": name}


def put(logs: Any, where: dict[str, str], *events: tuple[int, str]) -> Any:
    given = [{"timestamp": at, "message": message} for at, message in events]
    return logs.put_log_events(**where, logEvents=given)


def messages(answer: Any) -> list[str]:
    return [one["message"] for one in answer["events"]]


def test_groups_are_made_described_and_removed(logs: Any, of_jobs: str) -> None:
    logs.create_log_group(logGroupName="mine/b", tags={"team": "a"})
    logs.create_log_group(logGroupName="mine/a", logGroupClass="STANDARD")
    code, _ = refused(logs.create_log_group, logGroupName="mine/a")
    assert code == "ResourceAlreadyExistsException"
    found = logs.describe_log_groups()["logGroups"]
    assert [one["logGroupName"] for one in found] == [of_jobs, "mine/a", "mine/b"]
    assert found[2]["arn"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:mine/b:*"
    pages = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1})
    assert [len(page["logGroups"]) for page in pages] == [1, 1, 1]
    where = stream(logs, "mine/a", "s")
    put(logs, where, (0 + found[1]["creationTime"], "gone with the group"))
    logs.delete_log_group(logGroupName="mine/a")
    for call in (
        lambda: refused(logs.delete_log_group, logGroupName="mine/a"),
        lambda: refused(logs.filter_log_events, logGroupName="mine/a"),
        lambda: refused(logs.create_log_stream, **where),
    ):
        assert call()[0] == "ResourceNotFoundException"
    logs.create_log_group(logGroupName="mine/a")
    assert logs.describe_log_streams(logGroupName="mine/a")["logStreams"] == []
    for more in ({"kmsKeyId": "k"}, {"logGroupClass": "INFREQUENT_ACCESS"}):
        code, _ = refused(logs.create_log_group, logGroupName="mine/c", **more)
        assert code == "InvalidParameterException"


def test_tags_of_groups(logs: Any, of_jobs: str) -> None:
    logs.create_log_group(logGroupName="tagged", tags={"team": "a", "of": "b"})
    named, jobs = (
        {"resourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"}
        for name in ("tagged", of_jobs)
    )
    assert logs.list_tags_for_resource(**jobs)["tags"] == {}
    logs.tag_resource(**jobs, tags={"team": "d"})
    assert logs.list_tags_for_resource(**jobs)["tags"] == {"team": "d"}
    logs.tag_resource(**named, tags={"team": "c"})
    logs.untag_resource(**named, tagKeys=["of"])
    assert logs.list_tags_for_resource(**named)["tags"] == {"team": "c"}
    older = {"logGroupName": "tagged"}
    logs.tag_log_group(**older, tags={"more": "m"})
    assert logs.list_tags_log_group(**older)["tags"] == {"team": "c", "more": "m"}
    logs.untag_log_group(**older, tags=["more"])
    assert logs.list_tags_for_resource(**named)["tags"] == {"team": "c"}
    code, _ = refused(logs.tag_resource, **named, tags={f"k{n}": "" for n in range(50)})
    assert code == "TooManyTagsException"
    code, _ = refused(logs.list_tags_for_resource, resourceArn=named["resourceArn"] + "-not")
    assert code == "ResourceNotFoundException"


def test_tags_of_groups_by_their_names(logs: Any, of_jobs: str) -> None:
    """The older operations, which Terraform's older providers call."""
    logs.create_log_group(logGroupName="by-name", tags={"team": "a", "of": "b"})
    logs.tag_log_group(logGroupName="by-name", tags={"team": "c"})
    logs.untag_log_group(logGroupName="by-name", tags=["of"])
    assert logs.list_tags_log_group(logGroupName="by-name")["tags"] == {"team": "c"}
    assert "tags" in logs.list_tags_log_group(logGroupName=of_jobs)
    code, _ = refused(logs.list_tags_log_group, logGroupName="by-name-not")
    assert code == "ResourceNotFoundException"


def test_streams_are_made_described_and_removed(server: IamServer, logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    time = now(server)
    first, second = stream(logs, "g", "one"), stream(logs, "g", "two")
    code, _ = refused(logs.create_log_stream, **first)
    assert code == "ResourceAlreadyExistsException"
    put(logs, first, (time, "later"))
    put(logs, second, (time - 5, "early"), (time - 2, "before"))
    found = logs.describe_log_streams(logGroupName="g", orderBy="LastEventTime", descending=True)
    assert [one["logStreamName"] for one in found["logStreams"]] == ["one", "two"]
    told = found["logStreams"][1]
    assert (told["firstEventTimestamp"], told["lastEventTimestamp"]) == (time - 5, time - 2)
    assert told["lastIngestionTime"] >= time
    named = logs.describe_log_streams(logGroupName="g", logStreamNamePrefix="t")["logStreams"]
    assert [one["logStreamName"] for one in named] == ["two"]
    logs.delete_log_stream(**second)
    for call in (logs.get_log_events, logs.delete_log_stream):
        assert refused(call, **second)[0] == "ResourceNotFoundException"
    assert messages(logs.filter_log_events(logGroupName="g")) == ["later"]


def test_events_are_read_by_pages_both_ways(server: IamServer, logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    where, time = stream(logs, "g", "s"), now(server)
    put(logs, where, *((time + n // 2, f"m{n}") for n in range(5)))
    head = logs.get_log_events(**where, startFromHead=True, limit=2)
    assert messages(head) == ["m0", "m1"]
    following = logs.get_log_events(**where, nextToken=head["nextForwardToken"], limit=10)
    assert messages(following) == ["m2", "m3", "m4"]
    end = following["nextForwardToken"]
    assert logs.get_log_events(**where, nextToken=end)["nextForwardToken"] == end
    put(logs, where, (time + 9, "new"))
    assert messages(logs.get_log_events(**where, nextToken=end)) == ["new"]
    tail = logs.get_log_events(**where, limit=2)
    assert messages(tail) == ["m4", "new"]
    before = logs.get_log_events(**where, nextToken=tail["nextBackwardToken"])
    assert messages(before) == ["m0", "m1", "m2", "m3"]
    part = logs.get_log_events(**where, startTime=time + 1, endTime=time + 2)
    assert messages(part) == ["m2", "m3"]
    for token in ("f/1/s", "x", f"f/{'9' * 56}/s"):
        code, _ = refused(logs.get_log_events, **where, nextToken=token)
        assert code == "InvalidParameterException"


def test_events_of_several_streams_are_filtered_in_order(server: IamServer, logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    time = now(server)
    a, b = stream(logs, "g", "a"), stream(logs, "g", "b")
    put(logs, a, (time, "ERROR a0"), (time + 2, "fine a2"), (time + 4, "ERROR a4"))
    put(logs, b, (time + 1, "ERROR b1"), (time + 3, "ERROR b3"))
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="g", filterPattern="ERROR", PaginationConfig={"PageSize": 1}
    )
    found = [event for page in pages for event in page["events"]]
    assert [one["message"][-2:] for one in found] == ["a0", "b1", "b3", "a4"]
    assert [one["logStreamName"] for one in found] == ["a", "b", "b", "a"]
    assert len({one["eventId"] for one in found}) == 4
    only = logs.filter_log_events(logGroupName="g", logStreamNames=["b"], startTime=time + 2)
    assert messages(only) == ["ERROR b3"]
    for wrong in ({"logStreamNames": ["c"]}, {"nextToken": "x"}):
        with pytest.raises(logs.exceptions.ClientError):
            logs.filter_log_events(logGroupName="g", **wrong)


def followed(
    logs: Any, group: str, start: int, shown: set[str], **chosen: Any
) -> tuple[list[str], int]:
    """What `aws logs tail --follow` shows in a round, that has shown these; where it goes on."""
    given = {"logGroupName": group, "interleaved": True, "startTime": start, **chosen}
    new: list[str] = []
    while True:
        page = logs.filter_log_events(**given)
        for event in page["events"]:
            if event["eventId"] not in shown:
                shown.add(event["eventId"])
                new.append(event["message"])
            given["startTime"] = event["timestamp"]
        if "nextToken" not in page:
            return new, given["startTime"]
        # As the CLI does: the other parameters, the time too, stay while there is a token.
        given |= {"nextToken": page["nextToken"], "startTime": start}


def test_who_follows_sees_each_event_once(
    server: IamServer, logs: Any, of_jobs: str, tmp_path: Path
) -> None:
    logs.create_log_group(logGroupName="g")
    time = now(server)
    a, b = stream(logs, "g", "a"), stream(logs, "g", "b")
    put(logs, a, (time, "one"), (time, "two"))
    put(logs, b, (time, "three"))
    shown: set[str] = set()
    told, start = followed(logs, "g", time - HOUR, shown, limit=2)
    assert (told, start) == (["one", "two", "three"], time)
    put(logs, b, (time, "late"))
    put(logs, a, (time + 1, "later"))
    assert followed(logs, "g", start, shown, limit=1) == (["late", "later"], time + 1)
    assert followed(logs, "g", time + 1, shown) == ([], time + 1)
    for chosen, told in (
        ({"logStreamNames": ["b"]}, ["three", "late"]),
        ({"logStreamNamePrefix": "b", "filterPattern": "late"}, ["late"]),
        ({"logStreamNames": ["a", "b"], "filterPattern": "?one ?later"}, ["one", "later"]),
    ):
        assert followed(logs, "g", time - HOUR, set(), **chosen)[0] == told

    streams, where = (
        LogStreams(server.database, server.clock),
        Place(account=ACCOUNT, region=REGION),
    )
    for host in ("host-1", "host-2"):
        file = tmp_path / host
        file.write_text(f"of {host}\n")
        asyncio.run(streams.open(where, f"{of_jobs}Followed", host, file))
    shown = set()
    told, start = followed(logs, f"{of_jobs}Followed", 0, shown, limit=1)
    assert sorted(told) == ["of host-1", "of host-2"]
    assert followed(logs, f"{of_jobs}Followed", start, shown)[0] == []


def test_patterns_over_the_wire(server: IamServer, logs: Any, of_jobs: str) -> None:
    logs.create_log_group(logGroupName="g")
    where, time = stream(logs, "g", "s"), now(server)
    put(logs, where, (time, '{"level": "error", "n": 4}'), (time, "GET /a 404"))
    for pattern, found in (
        ('{ $.level = "err*" && $.n > 3 }', ['{"level": "error", "n": 4}']),
        ("[verb, path, status = 4*]", ["GET /a 404"]),
        ("%[45]0\\d$%", ["GET /a 404"]),
        ("-GET", ['{"level": "error", "n": 4}']),
    ):
        assert messages(logs.filter_log_events(logGroupName="g", filterPattern=pattern)) == found
    job = logs.filter_log_events(logGroupName=of_jobs, filterPattern="[a, b, c = j*]")
    assert messages(job) == ["from the job"]
    code, _ = refused(logs.filter_log_events, logGroupName=of_jobs, filterPattern="{ a }")
    assert code == "InvalidParameterException"


def test_a_batch_is_taken_whole_or_not_at_all(server: IamServer, logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    where, time = stream(logs, "g", "s"), now(server)
    for batch, told in (
        ([(time, "b"), (time - 1, "a")], "chronological order"),
        ([(time - DAY - 1, "a"), (time, "b")], "24 hours"),
        ([(time, "a" * 600_000), (time, "b" * 500_000)], "exceeds limit of 1048576"),
        ([(time, "a")] * 10_001, "logEvents"),
    ):
        code, message = refused(partial(put, logs, where, *batch))
        assert code == "InvalidParameterException"
        assert told in message
    assert messages(logs.get_log_events(**where)) == []
    assert len(put(logs, where, (time, "a"))["nextSequenceToken"]) == 56


def test_events_too_old_and_too_new_are_left_out(server: IamServer, logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    where, time = stream(logs, "g", "s"), now(server)
    old = time - 14 * DAY
    answer = put(logs, where, (old - HOUR, "too old"), (old + HOUR, "old"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    answer = put(logs, where, (time + HOUR, "new"), (time + 3 * HOUR, "too new"))
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    answer = put(logs, where, (time - DAY - HOUR, "expired"), (time - DAY + HOUR, "kept"))
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert messages(logs.get_log_events(**where)) == ["kept", "new"]


def test_events_are_shown_as_long_as_the_group_keeps_them(server: IamServer, logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    where, time = stream(logs, "g", "s"), now(server)
    put(logs, where, (time - DAY + 5 * MINUTE, "early"), (time, "late"))
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    told = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"][0]
    assert told["retentionInDays"] == 1
    assert messages(logs.get_log_events(**where)) == ["early", "late"]
    # As far as signatures are good for.
    server.clock.ahead = timedelta(minutes=10)
    for read in (logs.get_log_events(**where), logs.filter_log_events(logGroupName="g")):
        assert messages(read) == ["late"]
    described = logs.describe_log_streams(logGroupName="g")["logStreams"][0]
    assert described["firstEventTimestamp"] == time
    logs.delete_retention_policy(logGroupName="g")
    assert messages(logs.get_log_events(**where)) == ["early", "late"]
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    put(logs, where, (time + 1, "more"))
    logs.delete_retention_policy(logGroupName="g")
    assert messages(logs.get_log_events(**where)) == ["late", "more"], "early is removed"
    told = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"][0]
    assert "retentionInDays" not in told
    code, _ = refused(logs.put_retention_policy, logGroupName="g", retentionInDays=2)
    assert code == "InvalidParameterException"


def test_what_jobs_print_cannot_be_changed(server: IamServer, logs: Any, of_jobs: str) -> None:
    where = {"logGroupName": of_jobs, "logStreamName": "job/algo-1"}
    group = {"logGroupName": of_jobs}
    event = {"timestamp": now(server), "message": "forged"}
    for call, given in (
        (logs.create_log_group, {"logGroupName": "/aws/sagemaker/Other"}),
        (logs.delete_log_group, group),
        (logs.create_log_stream, group | {"logStreamName": "another"}),
        (logs.delete_log_stream, where),
        (logs.put_log_events, where | {"logEvents": [event]}),
    ):
        code, message = refused(call, **given)
        assert code == "InvalidParameterException"
        assert "what jobs and endpoints print" in message
    assert refused(logs.create_log_group, **group)[0] == "ResourceAlreadyExistsException"
    assert messages(logs.get_log_events(**where)) == ["from the job"]


@pytest.fixture
def printed(server: IamServer, tmp_path: Path) -> dict[str, str]:
    """A job's stream, with a line nearly a day old and one that is two minutes younger."""
    file, where = tmp_path / "log", {"group": f"{OF_JOBS}Kept", "name": f"{tmp_path.name}/algo-1"}
    streams, place = (
        LogStreams(server.database, server.clock),
        Place(account=ACCOUNT, region=REGION),
    )
    for line, minutes in (("early", 3), ("late", 5)):
        server.clock.ahead = timedelta(days=-1, minutes=minutes)
        with file.open("a") as opened:
            opened.write(line + "\n")
        asyncio.run(streams.open(place, file=file, **where))
        asyncio.run(streams.look(place, **where))
    server.clock.ahead = timedelta()
    return {"logGroupName": where["group"], "logStreamName": where["name"]}


def test_what_jobs_print_is_shown_as_long_as_its_group_keeps_it(
    server: IamServer, logs: Any, printed: dict[str, str]
) -> None:
    group = {"logGroupName": printed["logGroupName"]}
    code, _ = refused(logs.put_retention_policy, **group, retentionInDays=2)
    assert code == "InvalidParameterException"
    logs.put_retention_policy(**group, retentionInDays=1)
    described = logs.describe_log_groups(logGroupNamePrefix=group["logGroupName"])["logGroups"]
    assert described[0]["retentionInDays"] == 1
    assert messages(logs.get_log_events(**printed)) == ["early", "late"]

    server.clock.ahead = timedelta(minutes=4)
    for read in (
        logs.get_log_events(**printed),
        logs.get_log_events(**printed, startFromHead=True),
        logs.filter_log_events(**group),
    ):
        assert messages(read) == ["late"]
    tail = logs.get_log_events(**printed, limit=1)
    assert messages(logs.get_log_events(**printed, nextToken=tail["nextBackwardToken"])) == []
    told = logs.describe_log_streams(**group)["logStreams"][0]
    assert told["firstEventTimestamp"] == told["lastEventTimestamp"]


def test_what_a_job_printed_and_was_not_kept_does_not_come_back(
    server: IamServer, logs: Any, printed: dict[str, str]
) -> None:
    group = {"logGroupName": printed["logGroupName"]}
    logs.put_retention_policy(**group, retentionInDays=1)
    server.clock.ahead = timedelta(minutes=4)
    logs.delete_retention_policy(**group)
    described = logs.describe_log_groups(logGroupNamePrefix=group["logGroupName"])["logGroups"]
    assert "retentionInDays" not in described[0]
    assert messages(logs.get_log_events(**printed)) == ["late"]
    logs.put_retention_policy(**group, retentionInDays=1)
    server.clock.ahead = timedelta(minutes=8)
    assert messages(logs.get_log_events(**printed)) == []
    streams = logs.describe_log_streams(**group, logStreamNamePrefix=printed["logStreamName"])
    assert "firstEventTimestamp" not in streams["logStreams"][0]


def test_policies_decide_who_may_write(server: IamServer, logs: Any) -> None:
    logs.create_log_group(logGroupName="g", tags={"team": "a"})
    where, time = stream(logs, "g", "s"), now(server)
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g"

    def allow(action: str, resource: str) -> dict[str, str]:
        return {"Effect": "Allow", "Action": action, "Resource": resource}

    keys = server.first().user(
        "writer",
        allow("logs:PutLogEvents", f"{group}:log-stream:s"),
        allow("logs:CreateLogGroup", f"{group}2:*"),
        allow("logs:ListTagsForResource", group),
    )
    theirs = server.client("logs", keys)
    put(theirs, where, (time, "mine"))
    theirs.create_log_group(logGroupName="g2")
    assert theirs.list_tags_for_resource(resourceArn=group)["tags"] == {"team": "a"}
    event = [{"timestamp": time, "message": "m"}]
    for call, given in (
        (theirs.put_log_events, {**where, "logStreamName": "t", "logEvents": event}),
        (theirs.create_log_group, {"logGroupName": "g3"}),
        (theirs.create_log_stream, {**where, "logStreamName": "t"}),
        (theirs.delete_log_stream, where),
        (theirs.delete_log_group, {"logGroupName": "g"}),
        (theirs.put_retention_policy, {"logGroupName": "g", "retentionInDays": 1}),
        (theirs.delete_retention_policy, {"logGroupName": "g"}),
        (theirs.tag_resource, {"resourceArn": group, "tags": {"a": "b"}}),
        (theirs.untag_resource, {"resourceArn": group, "tagKeys": ["team"]}),
        (theirs.get_log_events, where),
    ):
        code, message = refused(call, **given)
        assert code == "AccessDeniedException", message
    code, message = refused(theirs.create_log_group, logGroupName="g2x", tags={"a": "b"})
    assert code == "AccessDeniedException"
    team = {"StringEquals": {"aws:RequestTag/team": "a"}}
    tagger = server.first().user("tagger", {**allow("logs:*", f"{group}*"), "Condition": team})
    tagging = server.client("logs", tagger)
    assert refused(tagging.create_log_group, logGroupName="g4", tags={"team": "b"})[0] == (
        "AccessDeniedException"
    )
    tagging.create_log_group(logGroupName="g4", tags={"team": "a"})
    keys_only = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    keys = server.first().user("keys", {**allow("logs:*", f"{group}*"), "Condition": keys_only})
    client = server.client("logs", keys)
    client.tag_resource(resourceArn=group, tags={"team": "b"})
    assert refused(client.tag_resource, resourceArn=group, tags={"of": "b"})[0] == (
        "AccessDeniedException"
    )
    assert refused(client.untag_resource, resourceArn=group, tagKeys=["of"])[0] == (
        "AccessDeniedException"
    )


def test_groups_are_an_accounts_own(server: IamServer, logs: Any) -> None:
    other = server.account("other").client("logs")
    theirs = server.anywhere("logs", REGION, server.account("other").keys)
    logs.create_log_group(logGroupName="g")
    where, time = stream(logs, "g", "s"), now(server)
    put(logs, where, (time, "of the first"))
    named = {"resourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g"}
    assert theirs.describe_log_groups()["logGroups"] == []
    assert refused(theirs.get_log_events, **where)[0] == "ResourceNotFoundException"
    assert refused(partial(put, theirs, where, (time, "x")))[0] == "ResourceNotFoundException"
    assert refused(theirs.list_tags_for_resource, **named)[0] == "AccessDeniedException"
    theirs.create_log_group(logGroupName="g")
    put(theirs, stream(theirs, "g", "s"), (time, "of the other"))
    assert messages(theirs.filter_log_events(logGroupName="g")) == ["of the other"]
    theirs.delete_log_group(logGroupName="g")
    assert messages(logs.get_log_events(**where)) == ["of the first"]
    assert other.describe_log_groups()["logGroups"] == [], "another region"


def test_the_command_line(server: IamServer, logs: Any) -> None:
    def aws(*words: str) -> str:
        command = Path(sys.executable).with_name("aws")
        keys = {
            "AWS_ACCESS_KEY_ID": server.root.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.root.secret_access_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": server.url,
        }
        return subprocess.run(
            [command, "logs", *words, "--output", "text"],
            env={**os.environ, **keys},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    aws("create-log-group", "--log-group-name", "g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    events = f"timestamp={now(server)},message=hello"
    named = ("--log-group-name", "g", "--log-stream-name", "s")
    aws("put-log-events", *named, "--log-events", events)
    query = ("--query", "events[].message")
    found = aws("filter-log-events", "--log-group-name", "g", "--filter-pattern", "hello", *query)
    assert found == "hello\n"
