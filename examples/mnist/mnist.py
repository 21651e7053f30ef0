"""MNIST on Kubeflow Pipelines and SageMaker: from IAM to a prediction, step by step.

    eval "$(flowmaker env)"      # or the environment of your AWS account and your Kubeflow
    python mnist.py

1.  IAM: a user with an access key for the pipeline, a role for SageMaker, and leave for the
    worker nodes to invoke endpoints.
2.  Kubernetes: the user's key as the secret `aws-secret`.
3.  S3: a bucket, and the data in it.
4.  Kubeflow Pipelines: a pipeline that prepares the data, trains XGBoost as a SageMaker training
    job, creates the model, deploys an endpoint, runs a batch transform, and compares the two.
5.  A prediction, from the endpoint, of a digit that it has not seen.

Everything that it makes is removed at the end, unless `--keep` is given.
"""

import argparse
import base64
import gzip
import io
import json
import pickle
import secrets
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore
import kfp
import kubernetes as k8s
import numpy as np
from botocore.config import Config
from kfp import dsl
from kfp import kubernetes as on_kubernetes

from flowmaker.components import sagemaker as sm

USER = "kf-smuser"
ROLE = "kfworkshop-sagemaker-kfp-role"
SECRET = "aws-secret"
NAMESPACE = "kubeflow"
MANAGED = "arn:aws:iam::aws:policy"
SAMPLE_BUCKET = "sagemaker-sample-files"
SAMPLE_KEY = "datasets/image/MNIST/mnist.pkl.gz"
#: Rows of the full MNIST that are used: as many as two cores train in a few seconds.
MOST_ROWS = 12_000
PYTHON = "python:3.11"
PACKAGES = ["boto3==1.44.5", "numpy==2.4.6"]
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


# ---------------------------------------------------------------------------------- the pipeline


@dsl.component(base_image=PYTHON, packages_to_install=PACKAGES)
def prepare_data(bucket: str, raw_key: str, digits: dsl.Output[dsl.Dataset]) -> int:
    """Split the images into train, validation and test, as the CSV that XGBoost reads."""
    import io

    import boto3
    import numpy as np

    s3 = boto3.client("s3")
    raw = np.load(io.BytesIO(s3.get_object(Bucket=bucket, Key=raw_key)["Body"].read()))
    images, labels = raw["images"], raw["labels"]
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = images[order], labels[order]
    first, second = int(len(labels) * 0.7), int(len(labels) * 0.8)

    def upload(key: str, table: np.ndarray) -> None:
        text = io.StringIO()
        np.savetxt(text, table, delimiter=",", fmt="%g")
        s3.put_object(Bucket=bucket, Key=key, Body=text.getvalue().encode())

    labelled = np.column_stack([labels, images])
    upload("train/train.csv", labelled[:first])
    upload("validation/validation.csv", labelled[first:second])
    upload("test/test.csv", images[second:])
    with open(digits.path, "wb") as file:
        np.savez(file, images=images[second:], labels=labels[second:])
    return len(labels) - second


@dsl.component(base_image=PYTHON, packages_to_install=PACKAGES)
def ask_endpoint(
    endpoint_name: str, digits: dsl.Input[dsl.Dataset], predictions: dsl.Output[dsl.Dataset]
) -> float:
    """What the endpoint says of the test images, asked with the worker node's own identity."""
    import io

    import boto3
    import numpy as np

    test = np.load(digits.path)
    runtime = boto3.client("sagemaker-runtime")
    answers = []
    for part in np.array_split(test["images"], max(1, len(test["images"]) // 200)):
        text = io.StringIO()
        np.savetxt(text, part, delimiter=",", fmt="%g")
        reply = runtime.invoke_endpoint(
            EndpointName=endpoint_name, ContentType="text/csv", Body=text.getvalue()
        )
        answers += [float(v) for v in reply["Body"].read().decode().replace(",", " ").split()]
    with open(predictions.path, "w") as file:
        file.write("\n".join(map(str, answers)))
    return float((np.array(answers) == test["labels"]).mean())


@dsl.component(base_image=PYTHON, packages_to_install=PACKAGES)
def compare(
    bucket: str,
    output_location: str,
    endpoint_accuracy: float,
    digits: dsl.Input[dsl.Dataset],
    predictions: dsl.Input[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> dict:
    """The batch transform's accuracy, and whether it agrees with the endpoint on every image."""
    import json

    import boto3
    import numpy as np

    s3 = boto3.client("s3")
    key = output_location.split("/", 3)[3].rstrip("/") + "/test.csv.out"
    text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    batch = np.array([float(value) for value in text.replace(",", " ").split()])
    with open(predictions.path) as file:
        endpoint = np.array([float(line) for line in file])
    results = {
        "endpoint_accuracy": endpoint_accuracy,
        "transform_accuracy": float((batch == np.load(digits.path)["labels"]).mean()),
        "agreement": float((batch == endpoint).mean()),
    }
    for name, value in results.items():
        metrics.log_metric(name, value)
    s3.put_object(Bucket=bucket, Key="results.json", Body=json.dumps(results).encode())
    return results


def channel(name: str, uri: str) -> dict[str, Any]:
    """A training channel of CSV files."""
    return {
        "ChannelName": name,
        "ContentType": "text/csv",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
    }


@dsl.pipeline(name="mnist-classification-pipeline", description="MNIST by XGBoost on SageMaker")
def mnist_classification(
    bucket: str,
    raw_key: str,
    role_arn: str,
    suffix: str,
    region: str = "us-east-1",
    image: str = XGBOOST,
    rounds: str = "20",
) -> None:
    def with_key(task: dsl.PipelineTask) -> dsl.PipelineTask:
        """The task acts as the IAM user whose key is in the secret."""
        keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        on_kubernetes.use_secret_as_env(task, SECRET, {key: key for key in keys})
        return task.set_caching_options(enable_caching=False)

    prepared = with_key(prepare_data(bucket=bucket, raw_key=raw_key))
    trained = with_key(
        sm.training(
            region=region,
            job_name=f"mnist-{suffix}",
            image=image,
            role=role_arn,
            instance_type="ml.m5.xlarge",
            channels=[
                channel("train", f"s3://{bucket}/train/"),
                channel("validation", f"s3://{bucket}/validation/"),
            ],
            hyperparameters={
                "objective": "multi:softmax",
                "num_class": "10",
                "num_round": rounds,
                "max_depth": "6",
                "eta": "0.4",
            },
            model_artifact_path=f"s3://{bucket}/model",
        ).after(prepared)
    )
    model = with_key(
        sm.model(
            region=region,
            model_name=f"mnist-{suffix}",
            image=trained.outputs["training_image"],
            model_artifact_url=trained.outputs["model_artifact_url"],
            role=role_arn,
        )
    )
    endpoint = with_key(
        sm.deploy(
            region=region,
            endpoint_name=f"mnist-{suffix}",
            model_name=model.outputs["model_name"],
            instance_type="ml.m5.large",
        )
    )
    transformed = with_key(
        sm.batch_transform(
            region=region,
            job_name=f"mnist-{suffix}",
            model_name=model.outputs["model_name"],
            instance_type="ml.m5.large",
            input_location=f"s3://{bucket}/test/",
            content_type="text/csv",
            split_type="Line",
            assemble_with="Line",
            batch_strategy="MultiRecord",
            output_location=f"s3://{bucket}/predictions",
        )
    )
    asked = ask_endpoint(
        endpoint_name=endpoint.outputs["endpoint_name"], digits=prepared.outputs["digits"]
    )
    asked.set_caching_options(enable_caching=False)
    with_key(
        compare(
            bucket=bucket,
            output_location=transformed.outputs["output_location"],
            endpoint_accuracy=asked.outputs["Output"],
            digits=prepared.outputs["digits"],
            predictions=asked.outputs["predictions"],
        )
    )


# --------------------------------------------------------------------------------- the data


@dataclass(frozen=True)
class Digits:
    """Images, a row each, and what they show; and where they are from."""

    images: np.ndarray
    labels: np.ndarray
    source: str


class NumpyUnpickler(pickle.Unpickler):
    """Reads MNIST's pickle, which holds arrays, and refuses to run anything else."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a data set")


def load_digits_from(dataset: Path | None) -> Digits:
    """MNIST from a file or from AWS's public bucket; without a way to it, scikit-learn's digits."""
    if dataset:
        try:
            return read_mnist(dataset.read_bytes(), str(dataset))
        except (
            OSError,
            EOFError,
            ValueError,
            LookupError,
            zlib.error,
            pickle.PickleError,
        ) as error:
            message = f"{dataset} is not MNIST as mnist.pkl.gz or mnist.npz: {error}"
            raise SystemExit(message) from None
    try:
        return read_mnist(download_mnist(), f"s3://{SAMPLE_BUCKET}/{SAMPLE_KEY}")
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        from sklearn.datasets import load_digits

        bundled = load_digits()
        reason = type(error).__name__
        return Digits(
            bundled.data,
            bundled.target,
            f"scikit-learn's digits, 8x8 (the real MNIST is out of reach: {reason}; "
            "give it with --dataset FILE)",
        )


def download_mnist() -> bytes:
    """The public file of AWS, asked without credentials and without much patience."""
    config = Config(
        signature_version=botocore.UNSIGNED,
        connect_timeout=3,
        read_timeout=30,
        retries={"total_max_attempts": 1},
    )
    endpoint = "https://s3.us-east-1.amazonaws.com"
    s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint, config=config)
    return s3.get_object(Bucket=SAMPLE_BUCKET, Key=SAMPLE_KEY)["Body"].read()


def read_mnist(content: bytes, source: str) -> Digits:
    """`mnist.pkl.gz` (three pairs of images and labels) or `mnist.npz` (x_train, y_train …)."""
    if content.startswith(b"PK"):
        arrays = np.load(io.BytesIO(content))
        images, labels = arrays["x_train"], arrays["y_train"]
    else:
        stream = io.BytesIO(gzip.decompress(content))
        (images, labels), *_ = NumpyUnpickler(stream, encoding="latin1").load()
    rows = images.reshape(len(images), -1)[:MOST_ROWS]
    return Digits(np.asarray(rows), np.asarray(labels)[:MOST_ROWS], source)


# --------------------------------------------------------------------------------- the stages


def set_up_iam() -> tuple[str, dict[str, str]]:
    """The pipeline's user, SageMaker's role, the worker's leave. Made once, found again."""
    iam = boto3.client("iam")
    make(iam.create_user, UserName=USER)
    iam.attach_user_policy(UserName=USER, PolicyArn=f"{MANAGED}/AmazonSageMakerFullAccess")
    for old in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=USER, AccessKeyId=old["AccessKeyId"])
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    say(f"user {USER} with AmazonSageMakerFullAccess, access key {key['AccessKeyId']}")

    make(iam.create_role, RoleName=ROLE, AssumeRolePolicyDocument=trust("sagemaker.amazonaws.com"))
    for policy in ("AmazonSageMakerFullAccess", "AmazonS3FullAccess"):
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=f"{MANAGED}/{policy}")
    role_arn = iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    say(f"execution role {role_arn}")

    worker = worker_role(iam)
    invoke = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
    iam.put_role_policy(
        RoleName=worker,
        PolicyName="sagemaker-invoke-for-worker",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [invoke]}),
    )
    say(f"worker role {worker} may invoke endpoints")
    return role_arn, {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


def worker_role(iam: Any) -> str:
    """The role of the cluster's worker nodes, by the name that eksctl gives it."""
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            if role["RoleName"].startswith("eksctl-") and "NodeInstanceRole" in role["RoleName"]:
                return role["RoleName"]
    sys.exit("no role eksctl-…-NodeInstanceRole: is this the account of the cluster?")


def trust(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make(create: Any, **parameters: Any) -> None:
    """Create it, unless it is there."""
    try:
        create(**parameters)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise


def set_up_secret(keys: dict[str, str]) -> None:
    """The user's key where the pipeline's steps find it."""
    k8s.config.load_kube_config()
    core = k8s.client.CoreV1Api()
    secret = k8s.client.V1Secret(
        metadata=k8s.client.V1ObjectMeta(name=SECRET, namespace=NAMESPACE),
        type="Opaque",
        data={name: base64.b64encode(value.encode()).decode() for name, value in keys.items()},
    )
    try:
        core.create_namespaced_secret(NAMESPACE, secret)
    except k8s.client.ApiException as error:
        if error.status != 409:
            raise
        core.replace_namespaced_secret(SECRET, NAMESPACE, secret)
    say(f"secret {SECRET} in the namespace {NAMESPACE}")


def upload(bucket: str, digits: Digits, region: str) -> str:
    s3 = boto3.client("s3")
    place = {} if region == "us-east-1" else {"LocationConstraint": region}
    s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": place} if place else {}))
    content = io.BytesIO()
    np.savez_compressed(content, images=digits.images, labels=digits.labels)
    s3.put_object(Bucket=bucket, Key="raw/digits.npz", Body=content.getvalue())
    say(f"{len(digits.labels)} images from {digits.source}")
    say(f"in s3://{bucket}/raw/digits.npz")
    return "raw/digits.npz"


def run_pipeline(client: kfp.Client, arguments: dict[str, str]) -> None:
    """Run it, and tell of each step when it is done."""
    run = client.create_run_from_pipeline_func(
        mnist_classification,
        arguments=arguments,
        run_name=f"mnist {arguments['suffix']}",
        experiment_name="mnist",
    )
    told: set[str] = set()
    while True:
        now = client.get_run(run.run_id)
        for task in (now.run_details.task_details if now.run_details else None) or []:
            if task.end_time and task.task_id not in told and task.parent_task_id:
                told.add(task.task_id)
                seconds = (task.end_time - (task.start_time or task.end_time)).total_seconds()
                say(f"{task.display_name:<22} {task.state.lower():<10} {seconds:6.1f} s")
        if now.state in ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"):
            break
        time.sleep(0.3)
    if now.state != "SUCCEEDED":
        sys.exit(f"the run {run.run_id} has {now.state}: {now.error.message if now.error else ''}")


def predict(endpoint: str, digits: Digits) -> None:
    """One image, as a picture and as the endpoint sees it."""
    image = digits.images[-1]
    side = int(len(image) ** 0.5)
    top = image.max()
    for row in image.reshape(side, side):
        say("".join(" .:-=+*#%@"[int(9 * value / top)] * 2 for value in row))
    body = ",".join(f"{value:g}" for value in image)
    begin = time.monotonic()
    reply = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="text/csv", Body=body
    )
    answer = float(reply["Body"].read().decode())
    took = 1000 * (time.monotonic() - begin)
    say(f"the endpoint says {answer:.0f}, it is a {digits.labels[-1]:.0f} ({took:.0f} ms)")


def clean_up(bucket: str, name: str) -> None:
    sagemaker = boto3.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=config)
    sagemaker.delete_model(ModelName=name)
    contents = boto3.resource("s3").Bucket(bucket)
    contents.objects.all().delete()
    contents.delete()
    say(f"endpoint, model and bucket are gone; the run and user {USER} stay")


# -------------------------------------------------------------------------------- the telling


def say(text: str) -> None:
    print(f"   {text}", flush=True)


@contextmanager
def stage(title: str) -> Iterator[None]:
    """Say what is done, and how long it took."""
    print(f"\n{title}", flush=True)
    begin = time.monotonic()
    yield
    print(f"   ({time.monotonic() - begin:.1f} s)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", "--dataset", type=Path, metavar="FILE", help="MNIST as a file")
    parser.add_argument("--keep", action="store_true", help="leave endpoint, model and bucket")
    options = parser.parse_args()
    suffix = secrets.token_hex(4)
    region = boto3.Session().region_name or "us-east-1"
    # AmazonSageMakerFullAccess reaches only buckets with `sagemaker` in their name.
    bucket = f"mnist-sagemaker-{suffix}"

    with stage("1. IAM: who may do what"):
        role_arn, keys = set_up_iam()
    with stage("2. Kubernetes: the key for the pipeline's steps"):
        set_up_secret(keys)
    with stage("3. S3: the data"):
        digits = load_digits_from(options.data)
        raw_key = upload(bucket, digits, region)
    with stage("4. Kubeflow Pipelines: prepare, train, deploy, transform, compare"):
        client = kfp.Client()
        arguments = {
            "bucket": bucket,
            "raw_key": raw_key,
            "role_arn": role_arn,
            "suffix": suffix,
            "region": region,
        }
        run_pipeline(client, arguments)
    with stage("5. The results"):
        body = boto3.client("s3").get_object(Bucket=bucket, Key="results.json")["Body"]
        results = json.load(body)
        say(f"accuracy of the endpoint         {results['endpoint_accuracy']:.4f}")
        say(f"accuracy of the batch transform  {results['transform_accuracy']:.4f}")
        if results["agreement"] != 1.0:
            sys.exit(f"they agree on {results['agreement']:.1%} of the images only")
        say("they agree on every image")
        predict(f"mnist-{suffix}", digits)
    if options.keep:
        print(f"\nEndpoint mnist-{suffix}, its model and s3://{bucket} stay.")
    else:
        with stage("6. Cleaning up"):
            clean_up(bucket, f"mnist-{suffix}")
    print("\nTry next: kfp run list · aws sagemaker list-training-jobs · aws s3 ls")


if __name__ == "__main__":
    main()
