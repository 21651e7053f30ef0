"""The server is killed in the midst of a batch transform; the next one goes on with it."""

from pathlib import Path

import pytest

from flowmaker.executors import claims
from tests.durability.test_jobs import kill
from tests.house import flowmaker, start, stop
from tests.training import ROLE
from tests.wire.test_sagemaker import BUCKET, Clients, until

pytestmark = pytest.mark.slow

IMAGE = "held:1"
#: Answers in capitals; what begins with "held" only when the test says so.
SERVE = """#!/usr/bin/env python
import os, pathlib, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.say(200 if self.path == "/ping" else 404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body.startswith(b"held"):
            pathlib.Path("/opt/ml/holding").touch()
            while not os.path.exists("/opt/ml/go"):
                time.sleep(0.02)
        self.say(200, body.upper())

    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def test_a_transform_job_survives_the_server(tmp_path: Path) -> None:
    data, source = tmp_path / "data", tmp_path / "source"
    source.mkdir()
    (source / "serve").write_text(SERVE)
    (source / "serve").chmod(0o755)
    flowmaker("image", "add", IMAGE, "--source", str(source), "--data", str(data))
    house = start(data)
    try:
        aws = Clients(house.environment)
        aws.s3.create_bucket(Bucket=BUCKET)
        for name, content in (("a", "first"), ("b", "held"), ("c", "last")):
            aws.s3.put_object(Bucket=BUCKET, Key=f"in/{name}", Body=content)
        _transform(aws)
        (holding,) = until(lambda: list(data.glob("jobs/*/holding")), bool)
        kill(house)

        again = start(data)

        (holding.parent / "go").touch()
        aws = Clients(again.environment)
        job = until(
            lambda: aws.sagemaker.describe_transform_job(TransformJobName="kept"),
            lambda one: one["TransformJobStatus"] != "InProgress",
        )
        assert job["TransformJobStatus"] == "Completed", job
        stored = {one["Key"] for one in aws.s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
        made = {key: aws.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in stored}
        assert {key: made[key] for key in stored if key.startswith("out/")} == {
            "out/a.out": b"FIRST",
            "out/b.out": b"HELD",
            "out/c.out": b"LAST",
        }
        assert len(list(data.glob("jobs/transform-*/pid.json"))) == 1, "the same server answered"
        until(
            lambda: [job for job in data.glob("jobs/*/") if claims.supervisor_pid(job)],
            lambda running: not running,
        )
    finally:
        stop(data)


def _transform(aws: Clients) -> None:
    aws.sagemaker.create_model(
        ModelName="held", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE}
    )
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}}
    aws.sagemaker.create_transform_job(
        TransformJobName="kept",
        ModelName="held",
        MaxConcurrentTransforms=1,
        TransformInput={"DataSource": source, "ContentType": "text/plain"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
