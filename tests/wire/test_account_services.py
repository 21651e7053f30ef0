"""SageMaker, logs and metrics of several accounts by boto3."""

import asyncio
import json
from pathlib import Path

import pytest

from flowmaker.aws.auth.authorize import PolicyAuthorizer
from flowmaker.aws.iam.asking import need_of, principal_of
from flowmaker.aws.logs.repository import Place
from flowmaker.aws.logs.streams import LogStreams
from flowmaker.errors import NotFound
from tests.fakes.accounts import allow, bucket_of, on, refusal, refused, trusting
from tests.fakes.iam_server import IamServer, OtherAccount, document


def executor(account: OtherAccount, name: str) -> str:
    """A role that SageMaker may assume."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(statement))
    return account.arn(f"role/{name}")


def test_what_is_in_sagemaker_is_one_accounts(a: OtherAccount, b: OtherAccount) -> None:
    mine, theirs = a.client("sagemaker"), b.client("sagemaker")
    made = mine.create_model_package_group(ModelPackageGroupName="of-a")
    arn = made["ModelPackageGroupArn"]
    assert f":{a.id}:" in arn
    mine.create_experiment(ExperimentName="trial")
    assert theirs.list_experiments()["ExperimentSummaries"] == []
    assert theirs.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    search = theirs.search(Resource="ModelPackageGroup")
    assert search["Results"] == []
    theirs.create_model_package_group(ModelPackageGroupName="of-a")
    for call, more in (
        (theirs.describe_model_package_group, {"ModelPackageGroupName": arn}),
        (theirs.delete_model_package_group, {"ModelPackageGroupName": arn}),
        (theirs.list_tags, {"ResourceArn": arn}),
        (theirs.add_tags, {"ResourceArn": arn, "Tags": [{"Key": "k", "Value": "v"}]}),
    ):
        assert refusal(call, **more) == "AccessDeniedException"
    theirs.delete_model_package_group(ModelPackageGroupName="of-a")
    assert mine.describe_model_package_group(ModelPackageGroupName="of-a")


def test_a_role_of_another_account_cannot_be_passed(a: OtherAccount, b: OtherAccount) -> None:
    of_a, of_b = executor(a, "passed"), executor(b, "passed")
    image = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.7-1"
    step = {"Name": "end", "Type": "Fail", "Arguments": {"ErrorMessage": "over"}}
    pipeline = {
        "PipelineName": "p",
        "PipelineDefinition": json.dumps({"Version": "2020-12-01", "Steps": [step]}),
        "ClientRequestToken": "t" * 32,
    }
    keys = b.user("passer", allow("*", "*"))
    for sagemaker in (b.client("sagemaker"), b.client("sagemaker", keys)):
        code, message = refused(
            sagemaker.create_model,
            ModelName="m",
            PrimaryContainer={"Image": image},
            ExecutionRoleArn=of_a,
        )
        assert code == "AccessDeniedException"
        assert message.startswith("Cross-account pass role is not allowed")
        code = refusal(sagemaker.create_pipeline, **pipeline, RoleArn=of_a)
        assert code == "AccessDeniedException"
    theirs = b.client("sagemaker", keys)
    assert theirs.create_pipeline(**pipeline, RoleArn=of_b)
    assert refusal(theirs.update_pipeline, PipelineName="p", RoleArn=of_a) == (
        "AccessDeniedException"
    )


def test_a_models_data_in_another_accounts_bucket_must_be_readable(
    a: OtherAccount, b: OtherAccount
) -> None:
    bucket_of(a, "models")
    container = {
        "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "ModelDataUrl": "s3://models/k",
    }
    wanted = {
        "ModelPackageName": "package",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    }
    sagemaker = b.client("sagemaker", b.user("registrar", allow("*", "*")))
    assert refusal(sagemaker.create_model_package, **wanted) == "AccessDeniedException"
    letting = allow("s3:GetObject", on("models"), Principal={"AWS": b.id})
    a.client("s3").put_bucket_policy(Bucket="models", Policy=document(letting))
    assert sagemaker.create_model_package(**wanted)


def test_a_jobs_role_reads_another_accounts_bucket_with_both_sides(
    a: OtherAccount, b: OtherAccount
) -> None:
    """What AWS looks at when a job is created: may the role list the data?"""
    bucket_of(a, "training")
    role = executor(b, "trainer")
    b.client("iam").put_role_policy(
        RoleName="trainer", PolicyName="own", PolicyDocument=document(allow("s3:*", "*"))
    )
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://training/"}
    wanted = {
        "TrainingJobName": "far",
        "RoleArn": role,
        "AlgorithmSpecification": {
            "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
            "TrainingInputMode": "File",
        },
        "HyperParameters": {"num_round": "1"},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": "s3://training/out"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    sagemaker = b.client("sagemaker")
    code, message = refused(sagemaker.create_training_job, **wanted)
    assert code == "ValidationException"
    assert "No S3 objects found" in message
    letting = allow("s3:ListBucket", on("training"), Principal={"AWS": role})
    a.client("s3").put_bucket_policy(Bucket="training", Policy=document(letting))
    assert sagemaker.create_training_job(**wanted)
    assert a.client("sagemaker").list_training_jobs()["TrainingJobSummaries"] == []


def test_logs_and_metrics_are_one_accounts(
    accounts: IamServer, a: OtherAccount, b: OtherAccount, tmp_path: Path
) -> None:
    """One region, one group, one stream, one metric; but the accounts are two."""
    streams = LogStreams(accounts.database, accounts.clock)
    for one in (a, b):
        file = tmp_path / one.id
        file.write_text(f"of {one.id}\n")
        place = Place(account=one.id, region="us-east-1")
        asyncio.run(streams.open(place, "/aws/sagemaker/TrainingJobs", "job/algo-1", file))
        asyncio.run(streams.close(place, "/aws/sagemaker/TrainingJobs", "job/algo-1"))
    stream = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": "job/algo-1"}
    for one in (a, b):
        found = one.client("logs").get_log_events(**stream)["events"]
        assert [event["message"] for event in found] == [f"of {one.id}"]
    theirs = f"arn:aws:logs:us-east-1:{a.id}:log-group:{stream['logGroupName']}"
    for call, more in (
        (b.client("logs").describe_log_streams, {}),
        (b.client("logs").get_log_events, {"logStreamName": "job/algo-1"}),
        (b.client("logs").filter_log_events, {}),
    ):
        assert refusal(call, logGroupIdentifier=theirs, **more) == "AccessDeniedException"
    assert a.client("logs").filter_log_events(logGroupIdentifier=theirs)["events"]
    fresh = accounts.account("without-logs")
    assert fresh.client("logs").describe_log_groups()["logGroups"] == []
    assert refusal(fresh.client("logs").get_log_events, **stream) == "ResourceNotFoundException"

    data = [{"MetricName": "loss", "Value": 1.0}]
    a.client("cloudwatch").put_metric_data(Namespace="mine", MetricData=data)
    assert len(a.client("cloudwatch").list_metrics(Namespace="mine")["Metrics"]) == 1
    assert b.client("cloudwatch").list_metrics(Namespace="mine")["Metrics"] == []


def test_explanations_across_accounts(
    accounts: IamServer, a: OtherAccount, b: OtherAccount
) -> None:
    """`flowmaker iam explain` decides as the wire does."""
    bucket_of(a, "explained", allow("s3:GetObject", on("explained"), Principal={"AWS": b.id}))
    b.user("asked", allow("s3:*", "*"))
    authorizer = PolicyAuthorizer(accounts.database, accounts.clock)

    def decided(principal: str, action: str, resource: str) -> bool:
        who = accounts.database.read_now(principal_of, a.id, principal)
        need = accounts.database.read_now(need_of, who.account, action, resource, ())
        return asyncio.run(authorizer.explain(who, need)).decision.allowed

    asked = b.arn("user/asked")
    assert decided(asked, "s3:GetObject", "s3://explained/k")
    assert not decided(asked, "s3:PutObject", "s3://explained/k")
    assert not decided(b.arn("root"), "s3:PutObject", "s3://explained/k")
    assert decided(b.arn("root"), "s3:GetObject", "s3://explained/k")
    assert decided(a.arn("root"), "s3:PutObject", "s3://explained/k")
    assert not decided(b.arn("root"), "iam:PassRole", a.arn("role/any"))
    for action, resource in (("sts:AssumeRole", a.arn("role/any")), ("iam:GetUser", asked)):
        assert not decided(asked, action, resource)
    with pytest.raises(NotFound, match="is of another account; those there are: 000000000000, "):
        decided("arn:aws:iam::999999999999:user/asked", "s3:GetObject", "s3://explained/k")


def test_the_root_user_cannot_assume(a: OtherAccount, b: OtherAccount) -> None:
    """Even where the role trusts him."""
    for owner in (a, b):
        owner.client("iam").create_role(
            RoleName="of-root",
            AssumeRolePolicyDocument=trusting(a.arn("root"), b.arn("root")),
        )
        wanted = {"RoleArn": owner.arn("role/of-root"), "RoleSessionName": "visit"}
        code, message = refused(b.client("sts").assume_role, **wanted)
        assert (code, message) == ("AccessDenied", "Roles may not be assumed by root accounts.")
