"""What is wrong is refused at once, in the protocol's own form, and nothing is left behind."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import httpx
import kfp
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.house import House
from tests.training import ROLE, training

#: A person notices nothing below this; the machines that test are slow.
AT_ONCE = 2.0


def client(server: House, service: str, **changes: str) -> Any:
    changed = replace(server, environment={**server.environment, **changes})
    return changed.client(service, Config(retries={"total_max_attempts": 1}))


def training_job(name: str, **changes: Any) -> dict[str, Any]:
    return training("nowhere", TrainingJobName=name, **changes)


def refused(call: Callable[[], object]) -> ClientError:
    begin = time.monotonic()
    with pytest.raises(ClientError) as caught:
        call()
    assert time.monotonic() - begin < AT_ONCE
    assert "Traceback" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        (
            {
                "AlgorithmSpecification": {
                    "TrainingImage": "me/mine:1",
                    "TrainingInputMode": "File",
                }
            },
            "ValidationException",
            "me/mine:1",
        ),
        ({"HyperParameters": {"num_rounds": "2"}}, "ValidationException", "num_rounds"),
        ({"HyperParameters": {"num_round": "many"}}, "ValidationException", "num_round"),
        (
            {"RoleArn": "arn:aws:iam::000000000000:role/Absent"},
            "ValidationException",
            "Could not assume role arn:aws:iam::000000000000:role/Absent",
        ),
        ({"RoleArn": "not the name of any role"}, "ValidationException", "roleArn"),
        ({}, "ValidationException", "s3://nowhere/train"),
    ],
)
def test_training_jobs(server: House, changes: dict[str, Any], code: str, words: str) -> None:
    sagemaker = client(server, "sagemaker")
    error = refused(lambda: sagemaker.create_training_job(**training_job("refused", **changes)))
    assert error.response["Error"]["Code"] == code
    assert words in error.response["Error"]["Message"]
    gone = refused(lambda: sagemaker.describe_training_job(TrainingJobName="refused"))
    assert gone.response["Error"]["Code"] == "ValidationException"


def test_who_does_not_sign_is_told_so(server: House) -> None:
    sts = client(server, "sts")
    for error in (
        refused(
            lambda: sts.assume_role_with_web_identity(
                RoleArn=ROLE, RoleSessionName="pod", WebIdentityToken="token"
            )
        ),
        refused(
            lambda: sts.assume_role_with_saml(
                RoleArn=ROLE, PrincipalArn=ROLE, SAMLAssertion="assertion"
            )
        ),
    ):
        assert error.response["Error"]["Code"] == "MissingAuthenticationToken"


def test_a_role_must_be_passed_by_who_may(server: House) -> None:
    iam = client(server, "iam")
    iam.create_user(UserName="narrow")
    allow = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    iam.put_user_policy(
        UserName="narrow",
        PolicyName="sagemaker",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    key = iam.create_access_key(UserName="narrow")["AccessKey"]
    sagemaker = server.by(key).client("sagemaker")
    error = refused(lambda: sagemaker.create_training_job(**training_job("not-passed")))
    assert error.response["Error"]["Code"] == "AccessDeniedException"
    assert f"is not authorized to perform: iam:PassRole on resource: {ROLE}" in str(error)


@pytest.mark.parametrize(
    ("service", "ask", "changes", "code"),
    [
        ("s3", "list_buckets", {"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch"),
        ("s3", "list_buckets", {"AWS_ACCESS_KEY_ID": "AKIAABSENT"}, "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", {"AWS_SECRET_ACCESS_KEY": "x"}, "SignatureDoesNotMatch"),
        ("sts", "get_caller_identity", {"AWS_ACCESS_KEY_ID": "AKIAABSENT"}, "InvalidClientTokenId"),
        ("sagemaker", "list_models", {"AWS_SECRET_ACCESS_KEY": "x"}, "InvalidSignatureException"),
        ("sagemaker", "list_models", {"AWS_SESSION_TOKEN": "x"}, "UnrecognizedClientException"),
    ],
)
def test_signatures(
    server: House, service: str, ask: str, changes: dict[str, str], code: str
) -> None:
    error = refused(getattr(client(server, service, **changes), ask))
    assert error.response["Error"]["Code"] == code


def test_an_expired_url(server: House) -> None:
    s3 = client(server, "s3")
    signed = boto3.Session().client(
        "s3",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=server.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=server.environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=server.environment["AWS_SESSION_TOKEN"],
        config=Config(signature_version="s3v4"),
    )
    s3.create_bucket(Bucket="expired")
    url = signed.generate_presigned_url(
        "get_object", Params={"Bucket": "expired", "Key": "key"}, ExpiresIn=1
    )
    deadline = time.monotonic() + 10
    while (answer := httpx.get(url)).status_code == 404:
        assert time.monotonic() < deadline, "it does not expire"
    assert answer.status_code == 403
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in answer.text
    s3.delete_bucket(Bucket="expired")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"pipelineInfo": {"name": "p"}, "root": {}}, "root"),
        ("not a spec", "pipeline_spec"),
    ],
)
def test_pipelines(server: House, spec: object, words: str) -> None:
    before = kfp.Client(host=server.url).list_runs(page_size=1).total_size
    begin = time.monotonic()
    answer = httpx.post(
        f"{server.url}/apis/v2beta1/runs", json={"display_name": "bad", "pipeline_spec": spec}
    )
    assert time.monotonic() - begin < AT_ONCE
    assert answer.status_code == 400
    assert answer.json()["code"] == 3
    assert words in answer.json()["message"]
    assert kfp.Client(host=server.url).list_runs(page_size=1).total_size == before


def test_a_body_over_the_limit(server: House) -> None:
    answer = httpx.post(
        f"{server.url}/apis/v2beta1/runs",
        content=b"{" + b" " * (33 * 1024 * 1024),
        headers={"content-type": "application/json"},
    )
    assert 400 <= answer.status_code < 500
    assert "32" in answer.json()["message"]
