"""The tutorial's shell block, as it was published, against a server."""

import json
import shutil
from pathlib import Path

import pytest

from tests.house import House, house

TOOLS = ("aws", "kubectl", "jq", "bash")

#: Verbatim but for the last command's $ROLE_NAME, which the tutorial never sets: the worker's role.
BLOCK = r"""
set -euo pipefail
aws iam create-user --user-name kf-smuser
aws iam attach-user-policy --user-name kf-smuser \
    --policy-arn arn:aws:iam::aws:policy/AmazonSageMakerFullAccess
aws iam create-access-key --user-name kf-smuser > create_output.json
export AWS_ACCESS_KEY_ID_VALUE=$(jq -j .AccessKey.AccessKeyId create_output.json | base64)
export AWS_SECRET_ACCESS_KEY_VALUE=$(jq -j .AccessKey.SecretAccessKey create_output.json | base64)
cat <<EOF | kubectl apply -f -
apiVersion: v1
kind: Secret
metadata:
  name: aws-secret
  namespace: kubeflow
type: Opaque
data:
  AWS_ACCESS_KEY_ID: $AWS_ACCESS_KEY_ID_VALUE
  AWS_SECRET_ACCESS_KEY: $AWS_SECRET_ACCESS_KEY_VALUE
EOF
TRUST="{ \"Version\": \"2012-10-17\", \"Statement\": [ { \"Effect\": \"Allow\", \"Principal\":
  { \"Service\": \"sagemaker.amazonaws.com\" }, \"Action\": \"sts:AssumeRole\" } ] }"
aws iam create-role --role-name kfworkshop-sagemaker-kfp-role --assume-role-policy-document "$TRUST"
aws iam attach-role-policy --role-name kfworkshop-sagemaker-kfp-role \
    --policy-arn arn:aws:iam::aws:policy/AmazonSageMakerFullAccess
aws iam attach-role-policy --role-name kfworkshop-sagemaker-kfp-role \
    --policy-arn arn:aws:iam::aws:policy/AmazonS3FullAccess
aws iam get-role --role-name kfworkshop-sagemaker-kfp-role --output text --query 'Role.Arn' \
    > role_arn
cat <<EOF > sagemaker-invoke.json
{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["sagemaker:InvokeEndpoint"],
            "Resource": "*"
        }
    ]
}
EOF
ROLE_NAME=$(aws iam list-roles | jq -r '.Roles[]
    | select(.RoleName | startswith("eksctl-") and contains("NodeInstanceRole")).RoleName')
aws iam put-role-policy --role-name $ROLE_NAME --policy-name sagemaker-invoke-for-worker \
    --policy-document file://sagemaker-invoke.json
aws s3 mb s3://abc123-kubeflow-pipeline-data --region us-west-2
aws s3 cp sagemaker-invoke.json s3://abc123-kubeflow-pipeline-data/mnist_kmeans_example/input/
aws s3 ls s3://abc123-kubeflow-pipeline-data --recursive
aws s3 rb s3://abc123-kubeflow-pipeline-data --force
"""


@pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)} on this machine"
)
def test_the_shell_block_runs_as_published(data: Path) -> None:
    with house(data) as server:
        _type_it(server)


def _type_it(server: House) -> None:
    shown = server.run("bash", "-c", f"cd $HOME\n{BLOCK}")

    assert "secret/aws-secret created" in shown
    assert "make_bucket: abc123-kubeflow-pipeline-data" in shown
    assert "mnist_kmeans_example/input/sagemaker-invoke.json" in shown
    assert "remove_bucket: abc123-kubeflow-pipeline-data" in shown
    role = (server.data / "role_arn").read_text().strip()
    assert role == "arn:aws:iam::000000000000:role/kfworkshop-sagemaker-kfp-role"
    attached = json.loads(
        server.run("aws", "iam", "list-attached-user-policies", "--user-name", "kf-smuser")
    )
    assert [p["PolicyName"] for p in attached["AttachedPolicies"]] == ["AmazonSageMakerFullAccess"]
