"""Images of one's own, registered with `flowmaker image add`: trained, hosted, processed."""

import json

import pytest

from tests.house import House, flowmaker
from tests.training import ROLE
from tests.wire.test_sagemaker import Clients, until
from tests.wire.test_script_mode import asked, output, served

BUCKET = "own-images"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/trees:1"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

#: As of the Dockerfile `COPY trees /opt/program`, `ENV PATH=/opt/program:$PATH`.
TRAIN = """#!/usr/bin/env python
import json, os
import iniconfig
from shared import WORD

with open("/opt/ml/input/config/hyperparameters.json") as file:
    given = json.load(file)
data = open("/opt/ml/input/data/training/data.csv").read().split()
if given.get("fail"):
    with open("/opt/ml/output/failure", "w") as file:
        file.write("told to fail")
    raise SystemExit(1)
with open("/opt/ml/model/model.json", "w") as file:
    json.dump({"word": WORD, "rows": len(data)}, file)
print("trained in", os.path.basename(os.getcwd()))
"""
SERVE = """#!/usr/bin/env python
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

with open("/opt/ml/model/model.json") as file:
    model = json.load(file)

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self._say(200, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._say(200, json.dumps({**model, "asked": body}).encode())

    def _say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def aws(server: House, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    source = tmp_path_factory.mktemp("trees")
    for name, text in (("train", TRAIN), ("serve", SERVE)):
        (source / name).write_text(text)
        (source / name).chmod(0o755)
    (source / "shared.py").write_text("WORD = 'oak'")
    listed = source / "requirements.txt"
    listed.write_text("iniconfig==2.0.0\n")
    flowmaker(
        *("image", "add", IMAGE, "--data", str(server.data)),
        *("--source", str(source), "--requirements", str(listed)),
    )
    clients = Clients(server.environment)
    clients.s3.create_bucket(Bucket=BUCKET)
    clients.s3.put_object(Bucket=BUCKET, Key="training/data.csv", Body="1,2\n3,4\n")
    return clients


def trained(aws: Clients, name: str, **specification: object) -> dict[str, object]:
    """A job in the image, when it has ended."""
    hyperparameters = specification.pop("hyperparameters", {})
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/training/"}
    aws.sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            **specification,
        },
        HyperParameters=hyperparameters,
        RoleArn=ROLE,
        InputDataConfig=[{"ChannelName": "training", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    return until(
        lambda: aws.sagemaker.describe_training_job(TrainingJobName=name),
        lambda job: job["TrainingJobStatus"] in {"Completed", "Failed"},
    )


def test_its_train_and_serve_are_run(aws: Clients) -> None:
    job = trained(aws, "oak")
    assert job["TrainingJobStatus"] == "Completed", job
    model = json.loads(output(aws, "oak", "model.tar.gz", "model.json", BUCKET))
    assert model == {"word": "oak", "rows": 2}
    place = f"s3://{BUCKET}/out/oak/output/model.tar.gz"
    container = {"Image": IMAGE, "ModelDataUrl": place}
    # Both listen on 8080.
    with served(aws, "oak-1", container) as one, served(aws, "oak-2", container) as two:
        for name in (one, two):
            answer = json.loads(asked(aws, name, b"how many?", ContentType="text/x")["Body"].read())
            assert answer == {"word": "oak", "rows": 2, "asked": "how many?"}


def test_its_failure_is_told(aws: Clients) -> None:
    job = trained(aws, "ill", hyperparameters={"fail": "yes"})
    assert job["FailureReason"] == "AlgorithmError: told to fail, exit code: 1"


def test_an_entrypoint_stands_in_for_train(aws: Clients) -> None:
    command = "import os, sys; open('/opt/ml/model/it', 'w').write(sys.argv[1])"
    job = trained(
        aws,
        "entry",
        ContainerEntrypoint=["python", "-c", command],
        ContainerArguments=["argument"],
    )
    assert job["TrainingJobStatus"] == "Completed", job
    assert output(aws, "entry", "model.tar.gz", "it", BUCKET) == b"argument"
    assert job["AlgorithmSpecification"]["ContainerArguments"] == ["argument"]


def test_it_processes(aws: Clients) -> None:
    command = "import shared; open('/opt/ml/processing/o/made', 'w').write(shared.WORD)"
    target = {
        "S3Uri": f"s3://{BUCKET}/processed",
        "LocalPath": "/opt/ml/processing/o",
        "S3UploadMode": "EndOfJob",
    }
    config = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    aws.sagemaker.create_processing_job(
        ProcessingJobName="own",
        ProcessingResources={"ClusterConfig": config},
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "-c"],
            "ContainerArguments": [command],
        },
        RoleArn=ROLE,
        ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": target}]},
    )
    job = until(
        lambda: aws.sagemaker.describe_processing_job(ProcessingJobName="own"),
        lambda one: one["ProcessingJobStatus"] != "InProgress",
    )
    assert job["ProcessingJobStatus"] == "Completed", job
    body = aws.s3.get_object(Bucket=BUCKET, Key="processed/made")["Body"].read()
    assert body == b"oak"
