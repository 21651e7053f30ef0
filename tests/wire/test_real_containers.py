"""Images that podman or docker has: trained, stopped, hosted, processed, where one of them is."""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowmaker.executors.containers import ENGINES
from tests.house import House, flowmaker
from tests.training import ROLE
from tests.wire.test_sagemaker import Clients, until
from tests.wire.test_script_mode import asked, output, served

BUCKET = "real-containers"
IMAGE = "localhost/flowmaker-trees:1"

TRAIN = """#!/usr/bin/python3
import json, os, signal, socket, sys, time

given = json.load(open("/opt/ml/input/config/hyperparameters.json"))
hosts = json.load(open("/opt/ml/input/config/resourceconfig.json"))["hosts"]
print("reaches", *(socket.gethostbyname(host)[:4] for host in hosts))
print("marked" if os.path.exists("/usr/share/trees") else "not in the image")
try:
    open("/opt/ml/input/data/training/data.csv", "a")
except OSError as error:
    print("data is", error.strerror)
if "wait" in given:
    signal.signal(signal.SIGTERM, lambda *_: (print("told to end"), sys.exit(0)))
    print("waiting", flush=True)
    time.sleep(100)
if "fail" in given:
    open("/opt/ml/output/failure", "w").write("told to fail")
    sys.exit(3)
open("/opt/ml/model/word", "w").write(os.environ["WORD"])
"""
SERVE = """#!/usr/bin/python3
import os, signal
from http.server import BaseHTTPRequestHandler, HTTPServer

# The first process of a container is ended by no signal that it does not take.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
word = open("/opt/ml/model/word", "rb").read()

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.say(b"")

    def do_POST(self):
        self.say(word + b" " + self.rfile.read(int(self.headers["Content-Length"])))

    def say(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


def _engine() -> str:
    """One that runs containers here; empty: none does."""
    for engine in ENGINES:
        if shutil.which(engine):
            asked = subprocess.run([engine, "ps"], capture_output=True, check=False)
            if asked.returncode == 0:
                return engine
    return ""


pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not _engine(), reason="neither podman nor docker runs here"),
]


@pytest.fixture(scope="module")
def aws(server: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    engine = _engine()
    archive = _archive(tmp_path_factory.mktemp("image"))
    change = "ENV PATH=/usr/bin:/bin"
    subprocess.run([engine, "import", "--change", change, str(archive), IMAGE], check=True)
    told = flowmaker("image", "add", IMAGE, "--container", "--data", str(server.data)).stdout
    assert f"a real container of {engine}" in told
    clients = Clients(server.environment)
    clients.s3.create_bucket(Bucket=BUCKET)
    clients.s3.put_object(Bucket=BUCKET, Key="training/data.csv", Body="1,2\n3,4\n")
    yield clients
    asked = [engine, "ps", "--all"]
    until(lambda: subprocess.check_output(asked, text=True), lambda left: IMAGE not in left)
    subprocess.run([engine, "image", "rm", "--force", IMAGE], check=True)


def _archive(folder: Path) -> Path:
    """A root file system with this Python, what it needs, `train` and `serve`."""
    library = Path(sysconfig.get_path("stdlib"))
    modules = [one for one in library.glob("lib-dynload/*.so") if "test" not in one.name]
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"
    needed = {name for one in (python, *modules) for name in _libraries(one)}
    files = [python, *modules, *map(Path, sorted(needed))]
    files += [one for one in library.rglob("*.py") if _is_wanted(one.relative_to(library))]
    place = folder / "image.tar"
    with tarfile.open(place, "w") as tar:
        for file in files:
            tar.add(file.resolve(), str(file))
        link = tarfile.TarInfo("usr/bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, str(python)
        tar.addfile(link)
        for name, text in (("bin/train", TRAIN), ("bin/serve", SERVE), ("share/trees", "")):
            program = folder / name.replace("/", "-")
            program.write_text(text)
            program.chmod(0o755)
            tar.add(program, f"usr/{name}")
    return place


def _libraries(program: Path) -> list[str]:
    listed = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True)
    return [word for word in listed.stdout.split() if word.startswith("/")]


def _is_wanted(module: Path) -> bool:
    return module.parts[0] not in {"site-packages", "test", "idlelib", "ensurepip", "lib2to3"}


def begun(aws: Clients, name: str, *, count: int = 1, **changes: Any) -> None:
    given: dict[str, Any] = {
        "HyperParameters": {},
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        **changes,
    }
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/training/"}
    aws.sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        InputDataConfig=[{"ChannelName": "training", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        Environment={"WORD": "oak"},
        **given,
    )


def ended(aws: Clients, name: str) -> Any:
    return until(
        lambda: aws.sagemaker.describe_training_job(TrainingJobName=name),
        lambda job: job["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"},
    )


def printed(aws: Clients, name: str) -> list[str]:
    found = aws.logs.filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/"
    )
    return [one["message"] for one in found["events"]]


def test_it_trains_and_serves(aws: Clients) -> None:
    begun(aws, "real")
    job = ended(aws, "real")
    assert job["TrainingJobStatus"] == "Completed", job
    assert printed(aws, "real") == ["reaches 127.", "marked", "data is Read-only file system"]
    assert output(aws, "real", "model.tar.gz", "word", BUCKET) == b"oak"
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/out/real/output/model.tar.gz"}
    # Both listen on 8080.
    with served(aws, "real-1", container) as one, served(aws, "real-2", container) as two:
        for name in (one, two):
            assert asked(aws, name, b"tree", ContentType="text/x")["Body"].read() == b"oak tree"


def test_its_instances_reach_each_other(aws: Clients) -> None:
    begun(aws, "real-pair", count=2)
    assert ended(aws, "real-pair")["TrainingJobStatus"] == "Completed"
    assert printed(aws, "real-pair").count("reaches 127. 127.") == 2


def test_its_failure_is_told(aws: Clients) -> None:
    begun(aws, "real-ill", HyperParameters={"fail": "yes"})
    assert ended(aws, "real-ill")["FailureReason"] == "AlgorithmError: told to fail, exit code: 3"


def test_it_is_told_to_end(aws: Clients) -> None:
    begun(aws, "real-stopped", HyperParameters={"wait": "yes"})
    until(
        lambda: aws.sagemaker.describe_training_job(TrainingJobName="real-stopped"),
        lambda job: job["SecondaryStatus"] == "Training",
    )
    until(lambda: printed(aws, "real-stopped"), lambda lines: "waiting" in lines)
    aws.sagemaker.stop_training_job(TrainingJobName="real-stopped")
    assert ended(aws, "real-stopped")["TrainingJobStatus"] == "Stopped"
    assert printed(aws, "real-stopped")[-1] == "told to end"


def test_it_processes(aws: Clients) -> None:
    program = "import shutil; shutil.copy('/opt/ml/processing/i/data.csv', '/opt/ml/processing/o')"
    source = {
        "S3Uri": f"s3://{BUCKET}/training/",
        "LocalPath": "/opt/ml/processing/i",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    target = {
        "S3Uri": f"s3://{BUCKET}/processed",
        "LocalPath": "/opt/ml/processing/o",
        "S3UploadMode": "EndOfJob",
    }
    aws.sagemaker.create_processing_job(
        ProcessingJobName="real",
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["/usr/bin/python3", "-c"],
            "ContainerArguments": [program],
        },
        ProcessingInputs=[{"InputName": "i", "S3Input": source}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": target}]},
        ProcessingResources={
            "ClusterConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            }
        },
        RoleArn=ROLE,
    )
    job = until(
        lambda: aws.sagemaker.describe_processing_job(ProcessingJobName="real"),
        lambda one: one["ProcessingJobStatus"] in {"Completed", "Failed"},
    )
    assert job["ProcessingJobStatus"] == "Completed", job
    stored = aws.s3.get_object(Bucket=BUCKET, Key="processed/data.csv")["Body"].read()
    assert stored == b"1,2\n3,4\n"
