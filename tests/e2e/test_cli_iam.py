"""`flowmaker iam` where docs/iam.md does not go: on AWS, run again, and who may look."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from flowmaker.web.session import cookie_of
from tests.house import FLOWMAKER, House, client_environment, flowmaker, house

USER = "arn:aws:iam::000000000000:user"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server whose IAM nobody else looks at."""
    with house(tmp_path_factory.mktemp("iam")) as running:
        yield running


def setup(server: House, *options: str) -> subprocess.CompletedProcess[str]:
    return flowmaker("iam", "setup", *options, "--data", str(server.data), check=False)


def test_nothing_is_done_before_somebody_agrees_nor_twice(own: House) -> None:
    asked = setup(own, "--user", "careful")
    assert asked.returncode == 1
    assert "will make  the user careful" in asked.stdout
    assert "say --yes" in asked.stderr
    iam = own.client("iam")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_user(UserName="careful")

    options = ("--user", "careful", "--secret", "of-careful", "--yes")
    assert setup(own, *options).returncode == 0
    keys = iam.list_access_keys(UserName="careful")["AccessKeyMetadata"]
    again = setup(own, *options)
    assert "will make" not in again.stdout
    assert iam.list_access_keys(UserName="careful")["AccessKeyMetadata"] == keys

    # A key that is in no secret cannot be read again: another takes its place while there is room.
    iam.update_access_key(UserName="careful", AccessKeyId=keys[0]["AccessKeyId"], Status="Inactive")
    assert setup(own, *options).stdout.count("made") == 1
    iam.update_access_key(
        UserName="careful",
        AccessKeyId=next(
            one["AccessKeyId"]
            for one in iam.list_access_keys(UserName="careful")["AccessKeyMetadata"]
            if one["Status"] == "Active"
        ),
        Status="Inactive",
    )
    full = setup(own, *options)
    assert full.returncode == 1
    assert "careful has 2 access keys" in full.stderr
    assert "aws iam delete-access-key --user-name careful" in full.stderr


def test_aws_is_amazon_and_nothing_else(own: House) -> None:
    done = subprocess.run(
        [*FLOWMAKER, "iam", "setup", "--aws", "--yes"],
        env={**client_environment(own.data), **own.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"the AWS of this shell is {own.url}, which is not Amazon's" in done.stderr


def test_with_aws_the_hosts_of_amazon_are_asked(own: House) -> None:
    """`flowmaker exec` answers for them here."""
    command = [*FLOWMAKER, "exec", "--data", str(own.data), "--"]
    inner = ["env", "-u", "AWS_ENDPOINT_URL", *FLOWMAKER, "iam", "setup", "--aws", "--yes"]
    done = subprocess.run(
        [*command, *inner, "--user", "cloud", "--secret", "of-cloud"],
        env=client_environment(own.data),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    admin = "arn:aws:sts::000000000000:assumed-role/FlowmakerAdmin/flowmaker-env"
    assert f"On AWS account 000000000000 as {admin}, and the cluster flowmaker:" in done.stdout
    attached = own.client("iam").list_attached_user_policies(UserName="cloud")["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AmazonSageMakerFullAccess"]


def test_decisions_are_for_the_owner_alone(own: House) -> None:
    iam = own.client("iam")
    iam.create_user(UserName="nosy")
    key = iam.create_access_key(UserName="nosy")["AccessKey"]
    nosy: Any = cast("Any", boto3).client(
        "iam",
        endpoint_url=own.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    for _ in range(2):
        with pytest.raises(ClientError, match="AccessDenied"):
            nosy.list_roles()

    path = f"{own.url}/ui/iam/decisions"
    wanted = {"denied": "1", "principal": f"{USER}/nosy"}
    assert httpx.get(path, params=wanted).status_code == 401
    cookies = {cookie_of(own.url): (own.data / "browser.key").read_text()}
    (one,) = httpx.get(path, params=wanted, cookies=cookies).json()["decisions"]
    assert one["count"] == 2
    assert one["holder"] == "user/nosy"
    assert "is not authorized to perform: iam:ListRoles" in one["told"]
    assert json.loads(one["missing"])["Action"] == "iam:ListRoles"

    def found(**more: str) -> list[object]:
        answer = httpx.get(path, params={**wanted, **more}, cookies=cookies)
        return answer.json()["decisions"]

    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert found(since=earlier, until=later) == [one]
    assert found(since=later) == found(until=earlier) == []
    assert httpx.get(path, params={"run": "none"}, cookies=cookies).status_code == 404
    wrong = httpx.get(path, params={"since": "soon"}, cookies=cookies)
    assert wrong.status_code == 400
    assert "?since= must be a time" in wrong.json()["message"]


def test_what_is_no_principal_action_or_resource_is_said(own: House) -> None:
    def explain(*arguments: str) -> str:
        done = flowmaker("iam", "explain", *arguments, "--data", str(own.data), check=False)
        assert done.returncode == 1
        return done.stderr

    assert "no user or role 'nobody'. Those there are:" in explain("nobody", "s3:GetObject")
    assert "'GetObject' is none" in explain("FlowmakerAdmin", "GetObject")
    assert "'bucket/key' is none" in explain("FlowmakerAdmin", "s3:GetObject", "bucket/key")
    other = "arn:aws:iam::123456789012:user/ann"
    assert "is of another account" in explain(other, "s3:GetObject")


def test_decisions_survive_a_restart(tmp_path: Path) -> None:
    with house(tmp_path) as first:
        first.client("s3").create_bucket(Bucket="remembered")
    with house(tmp_path):
        kept = flowmaker("iam", "least-privilege", "--since", "1h", "--data", str(tmp_path)).stdout
    assert json.loads(kept)["Statement"] == [
        {"Effect": "Allow", "Action": "s3:CreateBucket", "Resource": "arn:aws:s3:::remembered"}
    ]
