"""Pipelines made of the published component.yaml files, from training to predictions.

Their outputs are artifacts in KFP 2, so that steps cannot be linked; each is a run of its own.
"""

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import kfp
import numpy as np
import pytest
from kfp import components, dsl
from kfp import kubernetes as on_kubernetes

from flowmaker.components import sagemaker as sm
from tests.fakes.published import PROGRAMS, component_yaml
from tests.house import House

KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
BUCKET = "published-sagemaker"
ROLE = "arn:aws:iam::000000000000:role/FlowmakerAdmin"
SECRET = "published"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@pytest.fixture
def aws(server: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    literals = [f"--from-literal={key}={server.environment[key]}" for key in KEYS]
    server.run("kubectl", "create", "secret", "generic", SECRET, "-n", "kubeflow", *literals)
    session = boto3.Session()
    session.client("s3").create_bucket(Bucket=BUCKET)
    yield session
    server.run("aws", "s3", "rb", f"s3://{BUCKET}", "--force")
    server.run("kubectl", "delete", "secret", SECRET, "-n", "kubeflow")


def run_step(server: House, script: str, **arguments: Any) -> None:
    """A run of one published component; it must succeed."""
    client, run_id = begin_step(server, script, **arguments)
    ended = client.wait_for_run_completion(run_id, timeout=120, sleep_duration=1)
    assert ended.state == "SUCCEEDED", [t.error for t in ended.run_details.task_details]


def begin_step(server: House, script: str, **arguments: Any) -> tuple[kfp.Client, str]:
    """The same, which is not waited for."""
    component = components.load_component_from_text(component_yaml(script, PROGRAMS[script]))

    @dsl.pipeline(name="published")
    def pipeline() -> None:
        step = component(region="us-east-1", **arguments)
        on_kubernetes.use_secret_as_env(step, SECRET, {key: key for key in KEYS})
        step.set_caching_options(enable_caching=False)

    client = kfp.Client(host=server.url)
    return client, client.create_run_from_pipeline_func(pipeline).run_id


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_from_training_to_predictions(server: House, aws: boto3.Session, tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(60, 3)) + np.repeat([[0], [20]], 30, axis=0)
    text = io.StringIO()
    np.savetxt(text, points, delimiter=",", fmt="%g")
    aws.client("s3").put_object(Bucket=BUCKET, Key="train/points.csv", Body=text.getvalue())

    scripts = list(PROGRAMS)
    channel = {
        "ChannelName": "train",
        "ContentType": "text/csv;label_size=0",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train"}},
    }
    run_step(
        server,
        scripts[0],
        job_name="published",
        role=ROLE,
        image=KMEANS,
        channels=[channel],
        hyperparameters={"k": "2", "feature_dim": "3"},
        model_artifact_path=f"s3://{BUCKET}/model",
    )
    run_step(
        server,
        scripts[1],
        model_name="published",
        role=ROLE,
        image=KMEANS,
        model_artifact_url=f"s3://{BUCKET}/model/published/output/model.tar.gz",
    )
    run_step(
        server,
        scripts[2],
        endpoint_name="published",
        endpoint_config_name="published",
        model_name_1="published",
    )
    run_step(
        server,
        scripts[3],
        job_name="published",
        model_name="published",
        input_location=f"s3://{BUCKET}/train",
        output_location=f"s3://{BUCKET}/out",
        content_type="text/csv",
        split_type="Line",
        assemble_with="Line",
    )

    reply = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="published", ContentType="text/csv", Body=text.getvalue()
    )
    predictions = json.load(reply["Body"])["predictions"]
    clusters = [prediction["closest_cluster"] for prediction in predictions]
    assert len(set(clusters[:30])) == len(set(clusters[30:])) == 1
    assert clusters[0] != clusters[-1]
    assert {"closest_cluster", "distance_to_cluster"} == set(predictions[0])
    transformed = aws.client("s3").get_object(Bucket=BUCKET, Key="out/points.csv.out")["Body"]
    assert len(transformed.read().split()) >= len(points)

    sagemaker = aws.client("sagemaker")
    sagemaker.delete_endpoint(EndpointName="published")
    sagemaker.delete_endpoint_config(EndpointConfigName="published")
    sagemaker.delete_model(ModelName="published")


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_processing_as_published_and_for_kfp_2(server: House, aws: boto3.Session) -> None:
    program = "open('/opt/ml/processing/o/made', 'w').write('whole')"
    step = {
        "role": ROLE,
        "image": "python:3",
        "container_entrypoint": ["python3", "-c", program],
    }

    def outputs(name: str) -> list[dict[str, Any]]:
        target = {
            "S3Uri": f"s3://{BUCKET}/{name}",
            "LocalPath": "/opt/ml/processing/o",
            "S3UploadMode": "EndOfJob",
        }
        return [{"OutputName": "o", "S3Output": target}]

    script = "process/src/sagemaker_process_component.py"
    run_step(server, script, output_config=outputs("published"), **step)

    @dsl.pipeline(name="processing")
    def pipeline() -> None:
        task = sm.processing(region="us-east-1", output_config=outputs("kfp-2"), **step)
        on_kubernetes.use_secret_as_env(task, SECRET, {key: key for key in KEYS})

    client = kfp.Client(host=server.url)
    run = client.create_run_from_pipeline_func(pipeline, enable_caching=False)
    ended = client.wait_for_run_completion(run.run_id, timeout=120, sleep_duration=1)
    assert ended.state == "SUCCEEDED", [t.error for t in ended.run_details.task_details]
    for name in ("published", "kfp-2"):
        found = aws.client("s3").get_object(Bucket=BUCKET, Key=f"{name}/made")
        assert found["Body"].read() == b"whole"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_tuning_as_published_and_for_kfp_2(server: House, aws: boto3.Session) -> None:
    rows = "\n".join(f"{a % 7},{a % 11}" for a in range(100))
    aws.client("s3").put_object(Bucket=BUCKET, Key="points/points.csv", Body=rows)
    place = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/points/"}
    data = {"ContentType": "text/csv;label_size=0", "DataSource": {"S3DataSource": place}}
    given = {
        "role": ROLE,
        "image": KMEANS,
        "strategy": "Random",
        "metric_name": "test:msd",
        "metric_type": "Minimize",
        "channels": [{"ChannelName": name, **data} for name in ("train", "test")],
        "static_parameters": {"k": "3", "feature_dim": "2"},
        "integer_parameters": [{"Name": "epochs", "MinValue": "1", "MaxValue": "5"}],
        "output_location": f"s3://{BUCKET}/tuned",
        "max_num_jobs": 2,
        "max_parallel_jobs": 2,
    }
    script = "hyperparameter_tuning/src/sagemaker_tuning_component.py"
    run_step(server, script, job_name="as-published", **given)

    @dsl.pipeline(name="tuning")
    def pipeline() -> None:
        task = sm.tuning(region="us-east-1", job_name="for-kfp-2", **given)
        on_kubernetes.use_secret_as_env(task, SECRET, {key: key for key in KEYS})

    client = kfp.Client(host=server.url)
    run = client.create_run_from_pipeline_func(pipeline, enable_caching=False)
    ended = client.wait_for_run_completion(run.run_id, timeout=120, sleep_duration=1)
    assert ended.state == "SUCCEEDED", server.run(
        "flowmaker", "logs", "--data", str(server.data), run.run_id
    )
    for name in ("as-published", "for-kfp-2"):
        found = aws.client("sagemaker").describe_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name
        )
        assert found["TrainingJobStatusCounters"]["Completed"] == 2
        best = found["BestTrainingJob"]["TrainingJobName"]
        key = f"tuned/{best}/output/model.tar.gz"
        assert aws.client("s3").head_object(Bucket=BUCKET, Key=key)["ContentLength"]


@pytest.mark.slow
def test_a_terminated_run_stops_the_job_that_it_follows(server: House, aws: boto3.Session) -> None:
    rows = "".join(f"{number % 2},{number},{-number}\n" for number in range(2000))
    aws.client("s3").put_object(Bucket=BUCKET, Key="long/rows.csv", Body=rows)
    channel = {
        "ChannelName": "train",
        "ContentType": "text/csv",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/long"}},
    }
    client, run_id = begin_step(
        server,
        next(iter(PROGRAMS)),
        job_name="endless",
        role=ROLE,
        image=XGBOOST,
        channels=[channel],
        hyperparameters={"num_round": "1000000", "objective": "binary:logistic"},
        model_artifact_path=f"s3://{BUCKET}/model",
    )
    sagemaker = aws.client("sagemaker")

    def said() -> str:
        """The last thing that the job did."""
        try:
            job = sagemaker.describe_training_job(TrainingJobName="endless")
        except sagemaker.exceptions.ClientError:
            return ""
        return job["SecondaryStatus"]

    until(lambda: said() == "Training")
    client.terminate_run(run_id)
    until(lambda: said() == "Stopped")
    until(lambda: client.get_run(run_id).state == "CANCELED")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
