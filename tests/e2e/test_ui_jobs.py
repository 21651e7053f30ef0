"""A step that asks SageMaker for a job by its SDK: the job is on the step's panel while it runs."""

import json
from pathlib import Path

import kfp
import pytest
from kfp import dsl

from flowmaker.aws.iam.bootstrap import WORKER_ROLE
from tests.e2e.browser import browser, signed_in
from tests.house import House, house
from tests.training import training

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

BUCKET, JOB = "asked-by-a-step", "asked-for"


@dsl.component(base_image="python:3.11", packages_to_install=["boto3"])
def train(request: str) -> str:
    """Nothing of what it is given tells the name of the job."""
    import json
    import time

    import boto3

    sagemaker = boto3.client("sagemaker")
    sagemaker.create_training_job(TrainingJobName="asked-for", **json.loads(request))
    while True:
        job = sagemaker.describe_training_job(TrainingJobName="asked-for")
        if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            return job["TrainingJobStatus"]
        time.sleep(0.2)


@dsl.pipeline(name="asks-by-itself")
def pipeline(request: str) -> None:
    train(request=request).set_caching_options(enable_caching=False)


def request_of(server: House) -> str:
    """A training that goes on until it is stopped, on data that is there."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    rows = [f"{int(a * b > 20)},{a},{b}" for a in range(10) for b in range(10)]
    s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
    return json.dumps(training(BUCKET, rounds=1_000_000))


def test_the_job_of_a_running_step_is_on_its_panel(data: Path) -> None:
    with browser() as chrome, house(data) as server, signed_in(chrome, server) as page:
        allowed = {"Action": ["sagemaker:*", "iam:PassRole"], "Effect": "Allow", "Resource": "*"}
        server.client("iam").put_role_policy(
            RoleName=WORKER_ROLE,
            PolicyName="trains",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )
        client = kfp.Client(host=server.url)
        made = client.create_run_from_pipeline_func(pipeline, {"request": request_of(server)})
        page.goto(f"{server.url}/#/runs/details/{made.run_id}")
        page.locator("[data-task=train]").click()
        job = page.locator(".panel a[href='#/jobs/training/asked-for']")
        job.wait_for(timeout=90_000)
        page.locator(".panel h2 .badge.s-running").wait_for()

        server.client("sagemaker").stop_training_job(TrainingJobName=JOB)

        page.locator(".panel h2 .badge.s-succeeded").wait_for(timeout=60_000)
        page.locator(".panel .history strong", has_text="Stopped").wait_for()
