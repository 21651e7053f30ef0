"""A server that has one of everything that the web interface shows, made by the quickest jobs."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kfp
import pytest
from botocore.exceptions import ClientError
from kfp import dsl

from tests.house import House

ROLE = "arn:aws:iam::000000000000:role/FlowmakerAdmin"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
#: Its environment is there already.
PYTHON = "python:3.11"
#: What everything here is called, and the bucket.
NAME = "furnished"
#: A processing job that fails, and what it says of that.
REFUSED = "refused"
REFUSES = "open('/opt/ml/output/message', 'w').write('row 7 has no label'); raise SystemExit(3)"
ROWS = "\n".join(f"{int(a * b > 20)},{a},{b}" for a in range(10) for b in range(10))
INSTANCE = {"InstanceType": "ml.m5.large", "InstanceCount": 1}


@dsl.component(base_image="python:3.11")
def assess(
    eta: float,
    metrics: dsl.Output[dsl.Metrics],
    curves: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.Markdown],
    page: dsl.Output[dsl.HTML],
    rows: dsl.Output[dsl.Dataset],
) -> None:
    print("assessing", eta)
    metrics.log_metric("quality", 1 - eta)
    curves.log_confusion_matrix(["stays", "leaves"], [[812, 31], [44, 113]])
    curves.log_roc_curve([0, 0.1, 1], [0, 0.8, 1], [1, 0.5, 0])
    with open(report.path, "w") as file:
        file.write("# Findings\n")
    with open(page.path, "w") as file:
        file.write("<!doctype html><html lang=en><title>Report</title><h1>Report</h1></html>")
    with open(rows.path, "w") as file:
        file.write("colour,size\nred,17\n")


@dsl.component(base_image="python:3.11")
def refuse(number: int) -> None:
    raise ValueError(f"row {number} has no label")


@dsl.pipeline(name=NAME)
def assessing(eta: float = 0.1) -> None:
    """Assesses one model."""
    assess(eta=eta)


@dsl.pipeline(name="refusing")
def refusing() -> None:
    with dsl.ParallelFor([1, 2]) as number:
        refuse(number=number)


@contextmanager
def furnished(server: House, folder: Path) -> Iterator[dict[str, str]]:
    """The names and ids of what was made. The endpoint, which takes room, is gone afterwards."""
    made = _stored(server) | _denied(server)
    pipelines, sagemaker = kfp.Client(host=server.url), server.client("sagemaker")
    _started(sagemaker)
    made |= _pipelines(pipelines, folder)  # while the jobs run
    made["trial"] = _served(sagemaker)
    runtime = server.client("sagemaker-runtime")
    runtime.invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body="1,2")
    try:
        yield made
    finally:
        pipelines.delete_recurring_run(made["schedule"])
        sagemaker.delete_endpoint(EndpointName=NAME)


def _pipelines(client: kfp.Client, folder: Path) -> dict[str, str]:
    package = str(folder / "assessing.yaml")
    kfp.compiler.Compiler().compile(assessing, package)
    pipeline = client.upload_pipeline(package, pipeline_name=NAME)
    versions = client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions
    experiment = client.create_experiment(NAME, description="With one of everything.")
    runs = {
        name: client.create_run_from_pipeline_func(
            function,
            arguments=arguments,
            run_name=name,
            experiment_name=NAME,
            enable_caching=False,
        ).run_id
        for name, function, arguments in (
            ("run", assessing, {"eta": 0.05}),
            ("other", assessing, {"eta": 0.5}),
            ("failed", refusing, {}),
        )
    }
    schedule = client.create_recurring_run(
        experiment.experiment_id,
        NAME,
        cron_expression="0 0 0 1 1 *",
        pipeline_id=pipeline.pipeline_id,
        version_id=versions[0].pipeline_version_id,
        params={"eta": 0.2},
    )
    ended = {name: client.wait_for_run_completion(run, 100) for name, run in runs.items()}
    tasks = ended["run"].run_details.task_details
    (task,) = (each for each in tasks if each.display_name == "assess")
    return {
        **runs,
        "task": task.task_id,
        "pipeline": pipeline.pipeline_id,
        "version": versions[0].pipeline_version_id,
        "experiment": experiment.experiment_id,
        "schedule": schedule.recurring_run_id,
    }


def _table() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table({"name": ["Ada", None], "age": [36, 85]}), sink)
    return sink.getvalue()


def _stored(server: House) -> dict[str, str]:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=NAME)
    for key, body in (
        ("train/data.csv", ROWS),
        ("told/named.csv", "name,age\nAda,36\n"),
        ("told/answer.json", json.dumps({"answer": [42]})),
        ("told/note.txt", "read me\n" * 100),
        ("told/table", _table()),  # as a task writes it: without an ending
        ("told/numbers.bin", b"\x00\x01\x02\xff" * 64),
    ):
        s3.put_object(Bucket=NAME, Key=key, Body=body)
    return {"bucket": NAME}


def _denied(server: House) -> dict[str, str]:
    """A user with a policy that does not say what was asked for."""
    iam = server.client("iam")
    arn = iam.create_user(UserName=NAME)["User"]["Arn"]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{NAME}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=NAME, PolicyName="reads", PolicyDocument=document)
    key = iam.create_access_key(UserName=NAME)["AccessKey"]
    s3 = server.by(key).client("s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=NAME, Key="train/data.csv")
    return {"user": arn}


def _source(prefix: str) -> dict[str, Any]:
    return {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{NAME}/{prefix}"}}


def _started(sagemaker: Any) -> None:
    """A tuning job of two trials, a training job with a curve, and two processing jobs."""
    # A curve has a point for each second in which the log was looked at: on a busy machine not all.
    line = "train:loss=$loss valid:loss=$loss"
    print_losses = f"for loss in 1 0.8 0.6 0.5; do echo {line}; sleep 1.1; done"
    metrics = [
        {"Name": name, "Regex": f"{name}=([0-9.]+)"} for name in ("train:loss", "valid:loss")
    ]
    sagemaker.create_training_job(
        TrainingJobName=NAME,
        RoleArn=ROLE,
        AlgorithmSpecification={
            "TrainingImage": PYTHON,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["sh", "-c", print_losses],
            "MetricDefinitions": metrics,
        },
        OutputDataConfig={"S3OutputPath": f"s3://{NAME}/out"},
        ResourceConfig={**INSTANCE, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    channels = [
        {"ChannelName": name, "ContentType": "text/csv", "DataSource": _source("train")}
        for name in ("train", "validation")
    ]
    eta = {"Name": "eta", "MinValue": "0.1", "MaxValue": "1"}
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=NAME,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {
                "Type": "Minimize",
                "MetricName": "validation:logloss",
            },
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [eta]},
        },
        TrainingJobDefinition={
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "InputDataConfig": channels,
            "OutputDataConfig": {"S3OutputPath": f"s3://{NAME}/out"},
            "ResourceConfig": {**INSTANCE, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "StaticHyperParameters": {
                "objective": "binary:logistic",
                "eval_metric": "logloss",
                "num_round": "10",
                "nthread": "1",
            },
        },
    )
    _process(sagemaker, NAME, "print('processed')")
    _process(sagemaker, REFUSED, REFUSES)


def _process(sagemaker: Any, name: str, program: str) -> None:
    folder = "/opt/ml/processing"
    source = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
    inputs = [
        {
            "InputName": name,
            "S3Input": {
                **source,
                "S3Uri": f"s3://{NAME}/{prefix}",
                "LocalPath": f"{folder}/{name}",
            },
        }
        for name, prefix in (("rows", "train"), ("note", "told/note.txt"))
    ]
    target = {"S3UploadMode": "EndOfJob", "LocalPath": f"{folder}/out"}
    output = {"OutputName": "out", "S3Output": {**target, "S3Uri": f"s3://{NAME}/processed/{name}"}}
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={
            "ImageUri": PYTHON,
            "ContainerEntrypoint": ["python", "-c", program],
            "ContainerArguments": ["--year", "2026"],
        },
        Environment={"COLOUR": "red"},
        ProcessingInputs=inputs,
        ProcessingOutputConfig={"Outputs": [output]},
        ProcessingResources={"ClusterConfig": {**INSTANCE, "VolumeSizeInGB": 1}},
    )


def _served(sagemaker: Any) -> str:
    """The best trial, once its model serves, transforms and is registered."""
    describe = sagemaker.describe_hyper_parameter_tuning_job
    tuned = _until(
        lambda: describe(HyperParameterTuningJobName=NAME),
        lambda said: said["HyperParameterTuningJobStatus"] != "InProgress",
    )
    assert tuned["HyperParameterTuningJobStatus"] == "Completed", tuned
    job = tuned["BestTrainingJob"]["TrainingJobName"]
    trained = sagemaker.describe_training_job(TrainingJobName=job)
    container = {
        "Image": IMAGE,
        "ModelDataUrl": trained["ModelArtifacts"]["S3ModelArtifacts"],
    }
    sagemaker.create_model(
        ModelName=NAME,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={**container, "Environment": {"COLOUR": "red"}},
    )
    variant = {"VariantName": "AllTraffic", "ModelName": NAME, "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=NAME, ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}]
    )
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    sagemaker.create_transform_job(
        TransformJobName=NAME,
        ModelName=NAME,
        TransformInput={
            "DataSource": _source("train"),
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": f"s3://{NAME}/transformed", "AssembleWith": "Line"},
        TransformResources=INSTANCE,
        DataProcessing={"InputFilter": "$[1:]"},
    )
    sagemaker.create_model_package_group(
        ModelPackageGroupName=NAME, ModelPackageGroupDescription="the best trial"
    )
    sagemaker.create_model_package(
        ModelPackageGroupName=NAME,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    serving = _until(
        lambda: sagemaker.describe_endpoint(EndpointName=NAME),
        lambda said: said["EndpointStatus"] != "Creating",
    )
    assert serving["EndpointStatus"] == "InService", serving
    trained = _until(
        lambda: sagemaker.describe_training_job(TrainingJobName=NAME),
        lambda said: said["TrainingJobStatus"] != "InProgress",
    )
    assert trained["TrainingJobStatus"] == "Completed", trained
    transformed = _until(
        lambda: sagemaker.describe_transform_job(TransformJobName=NAME),
        lambda said: said["TransformJobStatus"] != "InProgress",
    )
    assert transformed["TransformJobStatus"] == "Completed", transformed
    return job


def _until(ask: Callable[[], Any], fits: Callable[[Any], bool]) -> Any:
    """AWS has no other way to wait than to ask."""
    end = time.monotonic() + 150
    while not fits(said := ask()):
        assert time.monotonic() < end, said
        time.sleep(0.05)
    return said
