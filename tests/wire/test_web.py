"""The web interface's own routes: who may ask them, and what they tell."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import kfp
import pytest
from kfp import dsl
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from flowmaker.web.app import BUNDLE, POLICY
from tests.house import House, flowmaker

BUCKET = "web-pages"


@dsl.component(base_image="python:3.11")
def speak(lines: int) -> None:
    for line in range(lines):
        print("line", line)


@dsl.pipeline(name="speaking")
def speaking(lines: int = 3) -> None:
    speak(lines=lines)


@dsl.component(base_image="python:3.11")
def write(rows: dsl.Output[dsl.Dataset]) -> None:
    with open(rows.path, "w") as file:
        file.write("1\n")


@dsl.component(base_image="python:3.11")
def count(of: dsl.Input[dsl.Dataset]) -> int:
    with open(of.path) as file:
        return len(file.readlines())


@dsl.component(base_image="python:3.11")
def measure(metrics: dsl.Output[dsl.Metrics]) -> None:
    metrics.log_metric("recall", 0.75)


@dsl.pipeline(name="measuring")
def measuring() -> None:
    measure()


@dsl.pipeline(name="handing-on")
def handing_on() -> None:
    count(of=write().outputs["rows"])


@pytest.fixture(scope="module")
def stranger(server: House) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


@pytest.fixture(scope="module")
def owner(server: House) -> Iterator[httpx.Client]:
    """A browser that opened the link of `flowmaker open`."""
    link = flowmaker("open", "--print", "--data", str(server.data)).stdout.strip()
    with httpx.Client(base_url=server.url) as client:
        answer = client.get(link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        yield client


@pytest.fixture(scope="module")
def run(server: House) -> str:
    client = kfp.Client(host=server.url)
    made = client.create_run_from_pipeline_func(speaking, arguments={}, enable_caching=False)
    client.wait_for_run_completion(made.run_id, 100)
    return made.run_id


def changes(server: House) -> ClientConnection:
    return connect(f"{server.url.replace('http', 'ws')}/ui/changes", origin=server.url)  # type: ignore[arg-type]


def heard(socket: ClientConnection, name: str) -> dict[str, Any]:
    """The next word that has `name`."""
    while name not in (word := json.loads(socket.recv(timeout=30))):
        pass
    return word


def test_the_page_allows_nothing_but_its_own(stranger: httpx.Client) -> None:
    answer = stranger.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == POLICY
    assert stranger.get("/nowhere").status_code == 404


def test_assets_are_sent_compressed_and_kept(stranger: httpx.Client) -> None:
    if not (BUNDLE / "index.html").exists():
        pytest.skip("the web interface was not built: make setup, where npm can fetch packages")
    script = re.search(r'src="(/assets/[^"]+)"', stranger.get("/").text)
    assert script is not None
    answer = stranger.get(script[1])
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.num_bytes_downloaded < 60_000


def test_aws_is_for_who_has_signed_in(stranger: httpx.Client, owner: httpx.Client) -> None:
    for ask in (
        lambda one: one.post("/ui/aws/sagemaker/ListTrainingJobs"),
        lambda one: one.get("/ui/objects?uri=s3://mlpipeline/a"),
        lambda one: one.get("/ui/tables?uri=s3://mlpipeline/a"),
        lambda one: one.put("/ui/objects?uri=s3://mlpipeline/a", content=b""),
        lambda one: one.post("/ui/endpoints/e/invocations"),
    ):
        answer = ask(stranger)
        assert (answer.status_code, answer.json()["code"]) == (401, "SignInFirst")
    answer = owner.post("/ui/aws/sagemaker/ListTrainingJobs", json={"MaxResults": 5})
    assert isinstance(answer.json()["TrainingJobSummaries"], list)


def test_a_wrong_key_opens_nothing(stranger: httpx.Client) -> None:
    answer = stranger.get("/ui/sign-in?key=guessed")
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "flowmaker open" in answer.text


def test_the_cookie_is_for_no_script_and_no_other_site(server: House) -> None:
    link = flowmaker("open", "--print", "--data", str(server.data)).stdout.strip()
    cookie = httpx.get(link).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_aws_says_what_is_wrong_in_its_own_words(owner: httpx.Client) -> None:
    unknown = owner.post("/ui/aws/sagemaker/DescribeTrainingJob", json={"TrainingJobName": "no"})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "ValidationException")
    missing = owner.post("/ui/aws/sagemaker/DescribeTrainingJob", json={})
    assert "trainingJobName" in missing.json()["message"]
    assert owner.post("/ui/aws/sagemaker/ListTrainingJobs", content=b"[]").status_code == 400
    refused = owner.post("/ui/aws/sagemaker/CreateCluster")
    assert (refused.status_code, refused.json()["code"]) == (501, "NotImplemented")


def test_times_are_texts(owner: httpx.Client) -> None:
    asked = {
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "MetricName": "train:loss",
        "Dimensions": [{"Name": "Host", "Value": "none/algo-1"}],
        "StartTime": "2026-01-01T00:00:00Z",
        "EndTime": "2026-01-02T00:00:00Z",
        "Period": 60,
        "Statistics": ["Average"],
    }
    answer = owner.post("/ui/aws/cloudwatch/GetMetricStatistics", json=asked)
    assert answer.json()["Datapoints"] == []
    wrong = owner.post("/ui/aws/cloudwatch/GetMetricStatistics", json=asked | {"EndTime": "soon"})
    assert wrong.status_code == 400


def test_objects_are_written_shown_and_downloaded(server: House, owner: httpx.Client) -> None:
    server.client("s3").create_bucket(Bucket=BUCKET)
    place = f"/ui/objects?uri=s3://{BUCKET}/a/page.html"
    text = b"<script>fetch('/')</script>"
    assert owner.put(place, content=text, headers={"content-type": "text/html"}).is_success
    stored = server.client("s3").get_object(Bucket=BUCKET, Key="a/page.html")
    assert (stored["ContentType"], stored["Body"].read()) == ("text/html", text)

    shown = owner.get(place)
    assert shown.content == text
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    part = owner.get(place, headers={"range": "bytes=1-6"})
    assert (part.status_code, part.content) == (206, b"script")
    assert owner.get(f"{place}&download").headers["content-disposition"].endswith('"page.html"')
    assert owner.get(f"/ui/objects?uri=s3://{BUCKET}/none").json()["code"] == "NoSuchKey"
    assert owner.get("/ui/objects?uri=nowhere").status_code == 400


def test_a_run_is_drawn_and_its_task_told(stranger: httpx.Client, run: str) -> None:
    level = stranger.get(f"/ui/runs/{run}/graph").json()
    assert level["run"]["state"] == "SUCCEEDED"
    (box,) = level["nodes"]
    assert (box["id"], box["state"]) == ("speak", "succeeded")
    task = stranger.get(f"/ui/runs/{run}/tasks/{box['task_id']}").json()
    assert (task["input_parameters"], task["image"]) == ({"lines": 3}, "python:3.11")
    assert stranger.get("/ui/runs/none/graph").status_code == 404
    assert stranger.get(f"/ui/runs/{run}/tasks/none").status_code == 404


def test_artifacts_name_who_made_them_and_who_read_them(
    server: House, stranger: httpx.Client
) -> None:
    client = kfp.Client(host=server.url)
    made = client.create_run_from_pipeline_func(handing_on, arguments={}, enable_caching=False)
    client.wait_for_run_completion(made.run_id, 100)
    (told,) = (
        each
        for each in stranger.get("/ui/artifacts").json()["artifacts"]
        if made.run_id in each["uri"]
    )
    assert (told["name"], told["type"]) == ("rows", "system.Dataset")
    maker, reader = *told["made_by"], *told["read_by"]
    assert (maker["task_name"], maker["as"]) == ("write", "rows")
    assert (reader["task_name"], reader["as"]) == ("count", "of")
    task = stranger.get(f"/ui/runs/{made.run_id}/tasks/{reader['task_id']}").json()
    assert task["input_artifacts"]["of"][0]["uri"] == told["uri"]


def test_runs_are_found_by_what_they_measured(server: House, stranger: httpx.Client) -> None:
    client = kfp.Client(host=server.url)
    made = client.create_run_from_pipeline_func(measuring, arguments={}, enable_caching=False)
    client.wait_for_run_completion(made.run_id, 100)

    def found(operation: str) -> list[str]:
        predicate = {"key": "metrics.recall", "operation": operation, "string_value": "0.5"}
        listed = client.list_runs(filter=json.dumps({"predicates": [predicate]}))
        return [each.run_id for each in listed.runs or ()]

    assert found("GREATER_THAN") == [made.run_id]
    assert found("LESS_THAN") == []
    told = stranger.get(f"/ui/metrics?runs={made.run_id},none").json()
    assert told["runs"] == {made.run_id: {"recall": [0.75]}}
    assert "recall" in told["names"]
    assert stranger.get("/ui/metrics?runs=" + ",".join(["a"] * 201)).status_code == 400


def test_a_change_is_told_at_once(server: House, run: str) -> None:
    with changes(server) as socket:
        number = heard(socket, "tick")["tick"]
        socket.send(json.dumps({"run": run}))
        first = heard(socket, "revision")
        server.client("s3").create_bucket(Bucket="web-changed")
        assert heard(socket, "tick")["tick"] > number
        assert first == {"run": run, "revision": first["revision"]}


def test_a_log_goes_on_where_it_broke_off(server: House, stranger: httpx.Client, run: str) -> None:
    (box,) = stranger.get(f"/ui/runs/{run}/graph").json()["nodes"]
    whole = stranger.get(f"/apis/v1alpha1/runs/{run}/nodes/{box['task_id']}/log").text
    for begin in (0, 10):
        with changes(server) as socket:
            asked = {"run": run, "task": box["task_id"], "from": begin}
            socket.send(json.dumps({"log": asked}))
            text = ""
            while "over" not in (word := heard(socket, "log")):
                assert word["at"] == begin + len(text)
                text += word["text"]
        assert text == whole[begin:]
    assert "line 2" in whole


def test_a_log_that_is_not_there_is_told(server: House, run: str) -> None:
    with changes(server) as socket:
        socket.send(json.dumps({"log": {"run": run, "task": "none"}}))
        assert "no task 'none'" in heard(socket, "log")["error"]


def test_pages_of_others_hear_nothing(server: House) -> None:
    address = f"{server.url.replace('http', 'ws')}/ui/changes"
    with pytest.raises(InvalidStatus) as refused, connect(address, origin="http://evil.example"):  # type: ignore[arg-type]
        pass
    assert refused.value.response.status_code == 403


def test_what_is_no_word_ends_the_connection(server: House) -> None:
    with changes(server) as socket:
        socket.send('{"who": "me"}')
        with pytest.raises(ConnectionClosedError) as closed:
            heard(socket, "nothing")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.reason == "what a page may say is in docs/ui.md"


@pytest.mark.slow
def test_the_beginning_of_a_parquet_file_is_told(server: House, owner: httpx.Client) -> None:
    bucket, s3 = "web-tables", server.client("s3")
    s3.create_bucket(Bucket=bucket)

    def told(key: str, body: bytes) -> httpx.Response:
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        return owner.get(f"/ui/tables?uri=s3://{bucket}/{key}", timeout=100)

    table = {"name": ["Ada", None], "age": [36, 85]}
    answer = told("table", parquet(table)).json()
    assert (answer["rows_count"], answer["rows"]) == (2, [["Ada", "36"], [None, "85"]])
    assert [column["type"] for column in answer["columns"]] == ["string", "int64"]
    refused = told("no-table", b"PAR1 and nothing more")
    assert refused.status_code == 400
    assert "cannot be read as Parquet" in refused.json()["message"]
    assert owner.get(f"/ui/tables?uri=s3://{bucket}/gone").status_code == 404


def parquet(columns: dict[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()
