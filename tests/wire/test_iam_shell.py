"""The tutorial's shell block, IAM part, as published: typed into a shell, with the aws CLI."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.iam_server import REGION, iam_server

BLOCK = r"""
set -euo pipefail
aws iam create-user --user-name kf-smuser
aws iam attach-user-policy --user-name kf-smuser --policy-arn arn:aws:iam::aws:policy/AmazonSageMakerFullAccess
aws iam create-access-key --user-name kf-smuser > create_output.json
export TRUST="{ \"Version\": \"2012-10-17\", \"Statement\": [ { \"Effect\": \"Allow\", \"Principal\": { \"Service\": \"sagemaker.amazonaws.com\" }, \"Action\": \"sts:AssumeRole\" } ] }"
aws iam create-role --role-name kfworkshop-sagemaker-kfp-role --assume-role-policy-document "$TRUST"
aws iam attach-role-policy --role-name kfworkshop-sagemaker-kfp-role --policy-arn arn:aws:iam::aws:policy/AmazonSageMakerFullAccess
aws iam attach-role-policy --role-name kfworkshop-sagemaker-kfp-role --policy-arn arn:aws:iam::aws:policy/AmazonS3FullAccess
aws iam get-role --role-name kfworkshop-sagemaker-kfp-role --output text --query 'Role.Arn' > role
ROLE_NAME=$(aws iam list-roles --output text --query "Roles[?starts_with(RoleName, 'eksctl-') && contains(RoleName, 'NodeInstanceRole')].RoleName")
cat <<EoF > sagemaker-invoke.json
{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Action": [ "sagemaker:InvokeEndpoint" ], "Resource": "*" } ] }
EoF
aws iam put-role-policy --role-name $ROLE_NAME --policy-name sagemaker-invoke-for-worker --policy-document file://sagemaker-invoke.json
aws iam get-role-policy --role-name $ROLE_NAME --policy-name sagemaker-invoke-for-worker --query PolicyDocument > invoke.json
"""  # noqa: E501 - as published


@pytest.mark.slow
def test_the_published_block(tmp_path: Path) -> None:
    with iam_server(tmp_path) as server:
        environment = {
            **server.admin.environment(),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": server.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_PAGER": "",
        }
        ran = subprocess.run(
            ["bash", "-c", BLOCK],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
    key = json.loads((tmp_path / "create_output.json").read_text())["AccessKey"]
    assert key["AccessKeyId"].startswith("AKIA")
    arn = (tmp_path / "role").read_text().strip()
    assert arn == "arn:aws:iam::000000000000:role/kfworkshop-sagemaker-kfp-role"
    invoke = json.loads((tmp_path / "invoke.json").read_text())
    assert invoke["Statement"][0]["Action"] == ["sagemaker:InvokeEndpoint"]
