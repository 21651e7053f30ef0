"""Script mode as boto3 sees it: scripts of one's own in the framework images, on a whole server."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from tests.house import House
from tests.training import ROLE
from tests.wire.test_sagemaker import Clients, until

BUCKET = "script-mode"
ACCOUNT = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SKLEARN = f"{ACCOUNT}/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = f"{ACCOUNT}/sagemaker-xgboost:1.7-1"

TRAIN = """
import argparse, json, os, sys
import joblib
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

import own

parser = argparse.ArgumentParser()
parser.add_argument("-C", type=float)
parser.add_argument("-n", type=int)
parser.add_argument("--text")
arguments = parser.parse_args()
assert own.HERE, "modules beside it can be imported"
data = np.loadtxt(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv"), delimiter=",")
model = LogisticRegression(C=arguments.C).fit(data[:, 1:], data[:, 0])
print(f"accuracy={model.score(data[:, 1:], data[:, 0])};")
joblib.dump(model, os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
seen = {name: value for name, value in os.environ.items() if name.startswith("SM_")}
told = {"arguments": sys.argv[1:], "variables": seen, "sklearn": sklearn.__version__}
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "told.json"), "w") as file:
    json.dump(told, file)
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def aws(server: House) -> Clients:
    clients = Clients(server.environment)
    clients.s3.create_bucket(Bucket=BUCKET)
    rows = [f"{int(a + b > 9)},{a},{b}" for a in range(10) for b in range(10)]
    clients.s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
    clients.s3.put_object(Bucket=BUCKET, Key="batch/rows.csv", Body="9,9\n0,0\n")
    return clients


def archive(files: Mapping[str, str], further: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    """The files as sourcedir.tar.gz."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        texts = {name: text.encode() for name, text in files.items()}
        for name, content in {**texts, **further}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def trained(aws: Clients, name: str, *how: Any, **request: Any) -> Any:
    """A job as `begin` asks for it, when it has ended."""
    begin(aws, name, *how, **request)
    return ended(aws, name)


def begin(
    aws: Clients,
    name: str,
    files: Mapping[str, str],
    hyperparameters: Mapping[str, Any] = MappingProxyType({}),
    **request: Any,
) -> None:
    """Ask for a job with the files as its source folder, as the SDK does."""
    key = f"{name}/source/sourcedir.tar.gz"
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=archive(files))
    settings = {
        "sagemaker_submit_directory": f"s3://{BUCKET}/{key}",
        "sagemaker_program": next(iter(files)),
        "sagemaker_container_log_level": 20,
        "sagemaker_job_name": name,
        "sagemaker_region": "us-east-1",
    }
    aws.sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": request.pop("image", SKLEARN),
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=(.*);"}],
        },
        RoleArn=ROLE,
        InputDataConfig=[
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": f"s3://{BUCKET}/train",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            }
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={
            "InstanceType": "ml.m5.large",
            "InstanceCount": request.pop("instances", 1),
            "VolumeSizeInGB": 1,
        },
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={
            name: json.dumps(value) for name, value in {**hyperparameters, **settings}.items()
        },
        **request,
    )


def ended(aws: Clients, name: str) -> Any:
    """The job when it has ended."""
    return until(
        lambda: aws.sagemaker.describe_training_job(TrainingJobName=name),
        lambda job: job["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"},
        250,
    )


def printed(aws: Clients, name: str) -> str:
    group = "/aws/sagemaker/TrainingJobs"
    events = aws.logs.filter_log_events(logGroupName=group, logStreamNamePrefix=f"{name}/")
    return "\n".join(event["message"] for event in events["events"])


def output(aws: Clients, name: str, archive_name: str, member: str, bucket: str = BUCKET) -> bytes:
    """A file of what a job left in S3."""
    key = f"out/{name}/output/{archive_name}"
    body = aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        found = tar.extractfile(member)
        assert found is not None
        return found.read()


def test_scikit_learn_trains_with_a_script(aws: Clients) -> None:
    files = {"train.py": TRAIN, "own.py": "HERE = True"}
    job = trained(aws, "sk", files, {"C": 2.5, "n": 3, "text": "abc"})
    assert job["TrainingJobStatus"] == "Completed", job
    assert output(aws, "sk", "model.tar.gz", "model.joblib")
    assert [one["MetricName"] for one in job["FinalMetricDataList"]] == ["accuracy"]
    told = json.loads(output(aws, "sk", "output.tar.gz", "told.json"))
    assert told["arguments"] == ["-C", "2.5", "-n", "3", "--text", "abc"]
    assert f"Running on scikit-learn {told['sklearn']} and Python 3" in printed(aws, "sk")
    variables = told["variables"]
    plain = {
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_CHANNEL_TRAIN": "/opt/ml/input/data/train",
        "SM_HP_TEXT": "abc",
        "SM_HP_N": "3",
        "SM_CURRENT_HOST": "algo-1",
        "SM_USER_ENTRY_POINT": "train.py",
        "SM_MODULE_NAME": "train",
        "SM_CURRENT_INSTANCE_TYPE": "ml.m5.large",
        "SM_NUM_GPUS": "0",
        "SM_LOG_LEVEL": "20",
    }
    assert plain.items() <= variables.items()
    assert json.loads(variables["SM_HPS"]) == {"C": 2.5, "n": 3, "text": "abc"}
    assert json.loads(variables["SM_HOSTS"]) == ["algo-1"]
    assert json.loads(variables["SM_CHANNELS"]) == ["train"]
    described = json.loads(variables["SM_TRAINING_ENV"])
    assert described["job_name"] == "sk"
    assert described["channel_input_dirs"] == {"train": "/opt/ml/input/data/train"}


def test_a_script_that_fails_says_why(aws: Clients) -> None:
    job = trained(aws, "fails", {"fails.py": "raise ValueError('no such colour')"}, {"n": 1})
    assert job["TrainingJobStatus"] == "Failed"
    reason = job["FailureReason"]
    assert reason.startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage")
    assert "ValueError: no such colour" in reason
    assert reason.endswith('python fails.py -n 1", exit code: 1')


def test_an_entry_point_may_be_a_shell_script(aws: Clients) -> None:
    files = {"run.sh": 'echo "$SM_CHANNEL_TRAIN $*"; echo it > "$SM_MODEL_DIR/model"; kill -9 $$'}
    job = trained(aws, "shell", files, {"a-b": "two words"})
    assert "ExitCode 137" in job["FailureReason"]
    assert "/opt/ml/input/data/train --a-b two words" in printed(aws, "shell")


PACKAGE = """
from setuptools import setup
setup(name="entry", version="1", py_modules=["entry", "beside"])
"""
REQUIRED = """
import beside, humanize, os, sys, subprocess, sklearn
print("has", humanize.__version__, "beside", sklearn.__version__)
pip = [sys.executable, "-m", "pip", "install", "-q", "iniconfig==2.0.0"]
subprocess.run(pip, check=True)
subprocess.run([sys.executable, "-c", "import iniconfig; print('and', iniconfig)"], check=True)
"""


def test_packages_of_a_script(aws: Clients) -> None:
    """requirements.txt, a package by setup.py, and pip in the script itself."""
    files = {
        "entry.py": REQUIRED,
        "beside.py": "",
        "setup.py": PACKAGE,
        "requirements.txt": "# what it needs\nhumanize==4.9.0\n",
    }
    job = trained(aws, "required", files)
    assert job["TrainingJobStatus"] == "Completed", (job, printed(aws, "required"))
    assert "has 4.9.0 beside 1.2.2" in printed(aws, "required")
    assert "and <module 'iniconfig'" in printed(aws, "required")


def test_requirements_that_cannot_be_had_fail_the_job(aws: Clients) -> None:
    files = {"entry.py": "print('never')", "requirements.txt": "humanize==999.0\n"}
    job = trained(aws, "unhad", files)
    assert job["TrainingJobStatus"] == "Failed"
    assert "cannot install humanize==999.0" in job["FailureReason"]


BOOSTED = """
import glob, os
import numpy as np, pandas, xgboost
data = np.loadtxt(glob.glob(os.environ["SM_CHANNEL_TRAIN"] + "/*")[0], delimiter=",")
rows = xgboost.DMatrix(data[:, 1:], data[:, 0])
booster = xgboost.train({"eta": float(os.environ["SM_HP_ETA"])}, rows)
booster.save_model(os.environ["SM_MODEL_DIR"] + "/xgboost-model.json")
"""


def test_xgboost_as_a_framework(aws: Clients) -> None:
    job = trained(aws, "boosted", {"boost.py": BOOSTED}, {"eta": 0.3}, image=XGBOOST)
    assert job["TrainingJobStatus"] == "Completed", (job, printed(aws, "boosted"))
    assert output(aws, "boosted", "model.tar.gz", "xgboost-model.json")


MEETING = """
import json, os, socket
hosts, me = json.loads(os.environ["SM_HOSTS"]), os.environ["SM_CURRENT_HOST"]
if me == hosts[0]:
    with socket.create_server((me, 20500)) as server:
        print("met", server.accept()[0].recv(100).decode())
else:
    import time
    while True:
        try:
            with socket.create_connection((hosts[0], 20500)) as connection:
                connection.sendall(me.encode())
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
"""


def test_instances_reach_each_other_by_name(aws: Clients) -> None:
    job = trained(aws, "meet", {"meet.py": MEETING}, instances=2)
    assert job["TrainingJobStatus"] == "Completed", (job, printed(aws, "meet"))
    assert "met algo-2" in printed(aws, "meet")


SAVING = """
import os, signal, sys, time

def save(number, frame):
    with open(os.environ["SM_MODEL_DIR"] + "/saved", "w") as file:
        file.write("half")
    sys.exit(0)

signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(600)
"""


def test_a_stopped_script_may_save_what_it_has(aws: Clients) -> None:
    begin(aws, "saving", {"saving.py": SAVING})
    until(lambda: _said(aws, "saving", "ready"), bool)
    aws.sagemaker.stop_training_job(TrainingJobName="saving")
    assert ended(aws, "saving")["TrainingJobStatus"] == "Stopped"
    assert output(aws, "saving", "model.tar.gz", "saved") == b"half"


def _said(aws: Clients, name: str, text: str) -> bool:
    try:
        return text in printed(aws, name)
    except ClientError:
        return False  # there is no such group of streams yet


def test_a_script_without_a_source_folder_is_refused(aws: Clients) -> None:
    with pytest.raises(ClientError, match="give the hyperparameters sagemaker_submit_directory"):
        aws.sagemaker.create_training_job(
            TrainingJobName="refused",
            AlgorithmSpecification={"TrainingImage": SKLEARN, "TrainingInputMode": "File"},
            RoleArn=ROLE,
            OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )


SERVE = """
import json, os
import joblib, numpy as np

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
OWN = """
import io, joblib, os, numpy, humanize

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))

def input_fn(body, content_type):
    if content_type != "text/words":
        raise ValueError(f"only text/words, not {content_type}")
    return numpy.array([line.split() for line in body.decode().splitlines()], dtype=float)

def predict_fn(data, model):
    return model.predict_proba(data)[:, 1]

def output_fn(prediction, accept):
    return ",".join(humanize.metric(one) for one in prediction), "text/own"
"""


@pytest.fixture(scope="module")
def model(aws: Clients) -> bytes:
    """What scikit-learn's training left."""
    job = trained(aws, "to-serve", {"train.py": TRAIN, "own.py": "HERE = True"}, {"C": 1.0})
    assert job["TrainingJobStatus"] == "Completed", job
    return output(aws, "to-serve", "model.tar.gz", "model.joblib")


@contextmanager
def served(aws: Clients, name: str, container: Mapping[str, Any]) -> Iterator[str]:
    """An endpoint while the block runs, when it answers or has failed."""
    aws.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "all", "ModelName": name, "InitialInstanceCount": 1}
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}]
    )
    aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    until(
        lambda: aws.sagemaker.describe_endpoint(EndpointName=name),
        lambda endpoint: endpoint["EndpointStatus"] in {"InService", "Failed"},
    )
    yield name
    aws.sagemaker.delete_endpoint(EndpointName=name)


def asked(aws: Clients, name: str, body: bytes, **headers: str) -> Any:
    return aws.runtime.invoke_endpoint(EndpointName=name, Body=body, **headers)


def test_scikit_learn_serves_with_a_script(aws: Clients, model: bytes) -> None:
    """As SKLearn.deploy asks: the script is the training job's, beside the model."""
    aws.s3.put_object(Bucket=BUCKET, Key="serve/source.tar.gz", Body=archive({"s.py": SERVE}))
    container = {
        "Image": SKLEARN,
        "ModelDataUrl": f"s3://{BUCKET}/out/to-serve/output/model.tar.gz",
        "Environment": {
            "SAGEMAKER_PROGRAM": "s.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/serve/source.tar.gz",
            "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
            "SAGEMAKER_REGION": "us-east-1",
        },
    }
    rows = [[9.0, 9.0], [0.0, 0.0]]
    with served(aws, "sk-served", container) as name:
        answer = asked(aws, name, json.dumps(rows).encode(), ContentType="application/json")
        assert answer["ContentType"] == "application/json"
        assert json.loads(answer["Body"].read()) == [1.0, 0.0]
        answer = asked(aws, name, b"9,9\n0,0\n", ContentType="text/csv", Accept="text/csv")
        assert answer["Body"].read() == b"1.0\n0.0\n"
        packed = io.BytesIO()
        np.save(packed, np.array(rows))
        npy = "application/x-npy"
        answer = asked(aws, name, packed.getvalue(), ContentType=npy, Accept=npy)
        assert np.load(io.BytesIO(answer["Body"].read())).tolist() == [1.0, 0.0]
        with pytest.raises(ClientError, match="image/png is not supported by this framework"):
            asked(aws, name, b"x", ContentType="image/png")
    job = "sk-transformed"
    aws.sagemaker.create_transform_job(
        TransformJobName=job,
        ModelName="sk-served",
        TransformInput={
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/batch"}
            },
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={
            "S3OutputPath": f"s3://{BUCKET}/transformed",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    until(
        lambda: aws.sagemaker.describe_transform_job(TransformJobName=job),
        lambda seen: seen["TransformJobStatus"] != "InProgress",
    )
    body = aws.s3.get_object(Bucket=BUCKET, Key="transformed/rows.csv.out")["Body"].read()
    assert body.split() == [b"1.0", b"0.0"]


def test_a_script_in_the_models_archive_does_all_itself(aws: Clients, model: bytes) -> None:
    files = {"code/own.py": OWN, "code/requirements.txt": "humanize==4.9.0"}
    packed = archive(files, {"model.joblib": model})
    aws.s3.put_object(Bucket=BUCKET, Key="own/model.tar.gz", Body=packed)
    container = {
        "Image": SKLEARN,
        "ModelDataUrl": f"s3://{BUCKET}/own/model.tar.gz",
        "Environment": {
            "SAGEMAKER_PROGRAM": "own.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
    }
    with served(aws, "sk-own", container) as name:
        answer = asked(aws, name, b"9 9\n9 9", ContentType="text/words")
        assert answer["ContentType"] == "text/own"
        assert answer["Body"].read().decode().count(",") == 1
        with pytest.raises(ClientError, match="only text/words, not text/csv") as refused:
            asked(aws, name, b"9,9", ContentType="text/csv")
        assert refused.value.response["Error"]["Code"] == "ModelError"


def test_a_script_without_model_fn_does_not_come_up(aws: Clients, model: bytes) -> None:
    packed = archive({"code/none.py": ""}, {"model.joblib": model})
    aws.s3.put_object(Bucket=BUCKET, Key="none/model.tar.gz", Body=packed)
    container = {
        "Image": SKLEARN,
        "ModelDataUrl": f"s3://{BUCKET}/none/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "none.py"},
    }
    with served(aws, "sk-none", container) as name:
        failed = aws.sagemaker.describe_endpoint(EndpointName=name)
        assert failed["EndpointStatus"] == "Failed"
        events = aws.logs.filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{name}")
        assert any("Please provide a model_fn" in one["message"] for one in events["events"])


def test_xgboost_serves_with_a_script(aws: Clients) -> None:
    job = trained(aws, "boosted-2", {"boost.py": BOOSTED}, {"eta": 0.3}, image=XGBOOST)
    script = """
import xgboost
def model_fn(model_dir):
    booster = xgboost.Booster()
    booster.load_model(model_dir + "/xgboost-model.json")
    return booster
"""
    aws.s3.put_object(Bucket=BUCKET, Key="serve/x.tar.gz", Body=archive({"x.py": script}))
    container = {
        "Image": XGBOOST,
        "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"],
        "Environment": {
            "SAGEMAKER_PROGRAM": "x.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/serve/x.tar.gz",
        },
    }
    with served(aws, "xgb-served", container) as name:
        answer = asked(aws, name, b"0:9 1:9\n0:0 1:0", ContentType="text/libsvm")
        high, low = json.loads(answer["Body"].read())
        assert high > 0.5 > low
        answer = asked(aws, name, b"9,9", ContentType="text/csv", Accept="text/csv")
        assert float(answer["Body"].read()) == pytest.approx(high)
