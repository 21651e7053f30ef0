"""An account beside the first trains and serves: with its own role, logs, bucket and endpoint."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.fakes.accounts import allow, on, refusal
from tests.fakes.iam_server import document
from tests.house import House, house, sharing
from tests.training import IMAGE, training
from tests.wire.test_sagemaker import Clients, until

pytestmark = pytest.mark.slow

DATA, OWN = "data-of-main", "models-of-research"
ROWS = "\n".join(f"{int(a + b > 9)},{a},{b}" for a in range(10) for b in range(10))
GROUP = "/aws/sagemaker/TrainingJobs"


@dataclass(frozen=True, kw_only=True)
class Research:
    """The account, by its root user."""

    id: str
    role: str
    aws: Clients


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[House]:
    with house(sharing(tmp_path_factory.mktemp("accounts"), environments)) as running:
        Clients(running.environment).s3.create_bucket(Bucket=DATA)
        running.client("s3").put_object(Bucket=DATA, Key="train/data.csv", Body=ROWS)
        yield running


@pytest.fixture(scope="module")
def research(own: House) -> Research:
    """Its role may all in S3 and logs: as far as its own side goes."""
    other = own.account("research")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    iam = other.client("iam")
    # The name of the first account's role, which is another.
    made = iam.create_role(RoleName="FlowmakerAdmin", AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(
        RoleName="FlowmakerAdmin", PolicyName="own", PolicyDocument=document(allow("s3:*", "*"))
    )
    aws = Clients(other.environment)
    aws.s3.create_bucket(Bucket=OWN)
    role: str = made["Role"]["Arn"]
    return Research(id=role.split(":")[4], role=role, aws=aws)


def train(aws: Clients, name: str, role: str) -> dict[str, object]:
    """The job once it has ended: with the first account's data, and a model in research's."""
    output = {"S3OutputPath": f"s3://{OWN}/out"}
    wanted = training(DATA, RoleArn=role, OutputDataConfig=output)
    aws.sagemaker.create_training_job(TrainingJobName=name, **wanted)
    return until(
        lambda: aws.sagemaker.describe_training_job(TrainingJobName=name),
        lambda one: one["TrainingJobStatus"] not in ("InProgress", "Stopping"),
    )


def let_in(own: House, research: Research, *actions: str) -> None:
    """The first account's bucket lets the role of the other do that."""
    statement = allow(list(actions), on(DATA), Principal={"AWS": research.role})
    own.client("s3").put_bucket_policy(Bucket=DATA, Policy=document(statement))


def test_a_job_reads_another_accounts_data_when_both_sides_allow(
    own: House, research: Research
) -> None:
    first = Clients(own.environment)
    with pytest.raises(ClientError, match="No S3 objects found under S3 URL"):
        train(research.aws, "alone", research.role)
    let_in(own, research, "s3:ListBucket")
    failed = train(research.aws, "listing", research.role)
    assert failed["TrainingJobStatus"] == "Failed"
    assert "AccessDenied" in str(failed["FailureReason"])
    let_in(own, research, "s3:ListBucket", "s3:GetObject")
    ended = train(research.aws, "both", research.role)
    assert ended["TrainingJobStatus"] == "Completed", ended

    assert f":{research.id}:training-job/both" in str(ended["TrainingJobArn"])
    keys = [one["Key"] for one in research.aws.s3.list_objects_v2(Bucket=OWN)["Contents"]]
    assert keys == ["out/both/output/model.tar.gz"]
    streams = research.aws.logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert [one for one in streams if one["logStreamName"].startswith("both/")]
    assert first.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
    assert refusal(first.logs.describe_log_streams, logGroupName=GROUP) == (
        "ResourceNotFoundException"
    )
    assert refusal(first.s3.get_object, Bucket=OWN, Key=keys[0]) == "AccessDenied"


def test_an_endpoint_is_its_own_accounts(own: House, research: Research) -> None:
    """The model was trained above; another account's endpoint of that name is another."""
    sagemaker, first = research.aws.sagemaker, Clients(own.environment)
    sagemaker.create_model(
        ModelName="theirs",
        ExecutionRoleArn=research.role,
        PrimaryContainer={
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{OWN}/out/both/output/model.tar.gz",
        },
    )
    variant = {
        "VariantName": "only",
        "ModelName": "theirs",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    config = {"EndpointConfigName": "theirs", "ProductionVariants": [variant]}
    with pytest.raises(ClientError, match="Could not find model"):
        first.sagemaker.create_endpoint_config(**config)
    sagemaker.create_endpoint_config(**config)
    sagemaker.create_endpoint(EndpointName="theirs", EndpointConfigName="theirs")
    until(
        lambda: sagemaker.describe_endpoint(EndpointName="theirs"),
        lambda one: one["EndpointStatus"] != "Creating",
    )
    asked = {"EndpointName": "theirs", "ContentType": "text/csv", "Body": "9,9"}
    assert float(research.aws.runtime.invoke_endpoint(**asked)["Body"].read()) > 0.5
    with pytest.raises(ClientError, match="Endpoint theirs of account 000000000000 not found"):
        first.runtime.invoke_endpoint(**asked)
    assert first.sagemaker.list_endpoints()["Endpoints"] == []
    sagemaker.delete_endpoint(EndpointName="theirs")
