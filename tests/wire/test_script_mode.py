"""Script mode as boto3 sees it: scripts of one's own in the framework images, on a whole server."""

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.house import House
from tests.wire.test_sagemaker import ROLE, Clients, until

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
    return clients


def archive(files: Mapping[str, str]) -> bytes:
    """The files as sourcedir.tar.gz."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()


def trained(
    aws: Clients,
    name: str,
    files: Mapping[str, str],
    hyperparameters: Mapping[str, Any] = {},
    **request: Any,
) -> Any:
    """A job with the files as its source folder, as the SDK asks for it, when it has ended."""
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
    return until(
        lambda: aws.sagemaker.describe_training_job(TrainingJobName=name),
        lambda job: job["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"},
        250,
    )


def printed(aws: Clients, name: str) -> str:
    group = "/aws/sagemaker/TrainingJobs"
    events = aws.logs.filter_log_events(logGroupName=group, logStreamNamePrefix=f"{name}/")
    return "\n".join(event["message"] for event in events["events"])


def output(aws: Clients, name: str, archive_name: str, member: str) -> bytes:
    key = f"out/{name}/output/{archive_name}"
    body = aws.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
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
