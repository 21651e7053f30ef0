"""What Terraform's AWS provider calls to apply, plan and destroy: in its order, by boto3.

Terraform itself does not run here. The order of calls, the errors that mean "not set" or "gone",
and the fields that a plan compares are those of the resources in hashicorp/terraform-provider-aws.
"""

import json
from collections.abc import Mapping
from hashlib import md5
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowmaker.ids import ACCOUNT
from tests.house import House
from tests.training import IMAGE
from tests.wire.test_sagemaker_hosting import archive, variant

BUCKET = "terraform-applies"
NAME = "terraform"
TAGS = [{"Key": "team", "Value": "ml"}, {"Key": "stage", "Value": "test"}]
#: What every bucket has: the provider reads it into `aws_s3_bucket`, where it is computed.
ENCRYPTION = {
    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
    "BucketKeyEnabled": False,
}
#: What the provider takes as "not set" when it reads a bucket, in the order in which it reads.
UNSET = {
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_acl": "",
    "get_bucket_cors": "NoSuchCORSConfiguration",
    "get_bucket_website": "NoSuchWebsiteConfiguration",
    "get_bucket_versioning": "",
    "get_bucket_accelerate_configuration": "",
    "get_bucket_request_payment": "",
    "get_bucket_logging": "",
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    "get_bucket_encryption": "",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Aws:
    def __init__(self, server: House) -> None:
        self.s3 = server.client("s3")
        self.control = server.client("s3control")
        self.control.meta.events.register("before-sign.s3-control", _without_account)
        self.sagemaker = server.client("sagemaker")


def _without_account(request: Any, **_: Any) -> None:
    """The account in the host is a name that not every resolver knows under `localhost`."""
    request.url = request.url.replace(f"//{ACCOUNT}.", "//")


@pytest.fixture(scope="module")
def aws(server: House) -> Aws:
    return Aws(server)


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    """The code and the message of the error that a call ends with."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    told: Any = raised.value
    error = told.response["Error"]
    return error["Code"], error["Message"]


def tags(found: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found}


def same_tags(found: list[dict[str, str]]) -> bool:
    return tags(found) == tags(TAGS)


# --- aws_s3_bucket, its siblings, aws_s3_object ---


def test_a_bucket_and_its_objects(aws: Aws) -> None:
    s3 = aws.s3
    assert refused(s3.head_bucket, Bucket=BUCKET)[0] == "404"
    s3.create_bucket(Bucket=BUCKET)
    s3.get_waiter("bucket_exists").wait(Bucket=BUCKET, WaiterConfig={"Delay": 1})
    _read_bucket(s3)
    control = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:::{BUCKET}"}
    _tag_by_arn(aws.control, control)
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": TAGS})
    siblings = _put_siblings(s3)
    for _ in ("apply", "plan"):
        assert same_tags(s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"])
        assert same_tags(aws.control.list_tags_for_resource(**control)["Tags"])
        for read, member, put in siblings:
            assert getattr(s3, read)(Bucket=BUCKET)[member] == put, read

    content = b"1,2\n"
    s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body=content, ContentType="text/csv",
                  Tagging="team=ml&stage=test", Metadata={"source": "here"})  # fmt: skip
    for _ in ("apply", "plan"):
        head = s3.head_object(Bucket=BUCKET, Key="train/data.csv")
        assert head["ContentType"] == "text/csv"
        assert head["Metadata"] == {"source": "here"}
        assert head["ETag"] == f'"{md5(content).hexdigest()}"'
        assert head["VersionId"]
        assert head["ServerSideEncryption"] == "AES256"
        assert "StorageClass" not in head, "the provider takes nothing for STANDARD"
        tagging = s3.get_object_tagging(Bucket=BUCKET, Key="train/data.csv")
        assert same_tags(tagging["TagSet"])

    _update_bucket(s3)
    _destroy_object(s3, "train/data.csv")
    _delete_siblings(s3)
    s3.delete_bucket(Bucket=BUCKET)
    s3.get_waiter("bucket_not_exists").wait(Bucket=BUCKET, WaiterConfig={"Delay": 1})
    assert refused(s3.delete_bucket, Bucket=BUCKET)[0] == "NoSuchBucket"
    assert refused(s3.get_bucket_tagging, Bucket=BUCKET)[0] == "NoSuchBucket"


def _tag_by_arn(control: Any, bucket: Mapping[str, str]) -> None:
    """Tags as the provider reads and writes them since its version 6.23: by S3 Control."""
    assert control.list_tags_for_resource(**bucket)["Tags"] == []
    control.tag_resource(**bucket, Tags=TAGS)
    control.tag_resource(**bucket, Tags=[{"Key": "team", "Value": "other"}])
    found = tags(control.list_tags_for_resource(**bucket)["Tags"])
    assert found == {"team": "other", "stage": "test"}
    control.untag_resource(**bucket, TagKeys=["team", "stage"])
    assert control.list_tags_for_resource(**bucket)["Tags"] == []


def _update_bucket(s3: Any) -> None:
    """Other tags of the bucket and the object, and other content, as the provider updates them."""
    changed = [{"Key": "team", "Value": "other"}]
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": changed})
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == changed
    s3.delete_bucket_tagging(Bucket=BUCKET)
    assert refused(s3.get_bucket_tagging, Bucket=BUCKET)[0] == "NoSuchTagSet"
    key = "train/data.csv"
    before = s3.head_object(Bucket=BUCKET, Key=key)["VersionId"]
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"3,4\n", ContentType="text/csv",
                  Tagging="team=ml&stage=test")  # fmt: skip
    s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": changed})
    head = s3.head_object(Bucket=BUCKET, Key=key)
    assert head["VersionId"] != before
    assert head["Metadata"] == {}
    assert s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"] == changed
    s3.delete_object_tagging(Bucket=BUCKET, Key=key)
    assert s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"] == []


def _read_bucket(s3: Any) -> None:
    """A bucket that has nothing but its name, as the provider reads it."""
    assert s3.head_bucket(Bucket=BUCKET)["BucketRegion"] == "us-east-1"
    for name, code in UNSET.items():
        call = getattr(s3, name)
        if code:
            assert refused(call, Bucket=BUCKET)[0] == code, name
        else:
            call(Bucket=BUCKET)
    assert s3.get_bucket_request_payment(Bucket=BUCKET)["Payer"] == "BucketOwner"
    (grant,) = s3.get_bucket_acl(Bucket=BUCKET)["Grants"]
    assert grant["Permission"] == "FULL_CONTROL"
    assert refused(s3.get_bucket_tagging, Bucket=BUCKET)[0] == "NoSuchTagSet"
    rules = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules == [ENCRYPTION]


def _put_siblings(s3: Any) -> list[tuple[str, str, Any]]:
    """Each sibling resource of the bucket: what reads it, and what a plan compares."""
    block = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    cors = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 60}]
    days = [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "a/"},
             "Expiration": {"Days": 30}}]  # fmt: skip
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/never/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    enabled = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=enabled)
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=block)
    s3.put_bucket_ownership_controls(Bucket=BUCKET, OwnershipControls=controls)
    encryption = {"Rules": [{**ENCRYPTION, "BucketKeyEnabled": True}]}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=encryption)
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": cors})
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": days})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)
    return [
        ("get_bucket_versioning", "Status", "Enabled"),
        ("get_public_access_block", "PublicAccessBlockConfiguration", block),
        ("get_bucket_ownership_controls", "OwnershipControls", controls),
        ("get_bucket_encryption", "ServerSideEncryptionConfiguration", encryption),
        ("get_bucket_cors", "CORSRules", cors),
        ("get_bucket_lifecycle_configuration", "Rules", days),
        ("get_bucket_policy", "Policy", policy),
    ]


def _destroy_object(s3: Any, key: str) -> None:
    """Of a bucket with versions, every version of the key, and every marker."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET, Prefix=key)
    for page in pages:
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            if version["Key"] == key:
                s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version["VersionId"])
    assert refused(s3.head_object, Bucket=BUCKET, Key=key)[0] == "404"


def _delete_siblings(s3: Any) -> None:
    """And the errors that the provider waits for."""
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    s3.delete_bucket_cors(Bucket=BUCKET)
    s3.delete_bucket_encryption(Bucket=BUCKET)
    s3.delete_bucket_ownership_controls(Bucket=BUCKET)
    s3.delete_public_access_block(Bucket=BUCKET)
    suspended = {"Status": "Suspended"}
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=suspended)
    gone = {
        "get_bucket_policy": "NoSuchBucketPolicy",
        "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "get_bucket_cors": "NoSuchCORSConfiguration",
        "get_bucket_ownership_controls": "OwnershipControlsNotFoundError",
        "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
    }
    for name, code in gone.items():
        assert refused(getattr(s3, name), Bucket=BUCKET)[0] == code, name
    found = s3.get_bucket_encryption(Bucket=BUCKET)  # the provider does not wait for it to go
    assert found["ServerSideEncryptionConfiguration"]["Rules"] == [ENCRYPTION]


# --- aws_sagemaker_model, _endpoint_configuration, _endpoint ---


def test_a_model_its_configuration_and_its_endpoint(aws: Aws) -> None:
    s3, sagemaker = aws.s3, aws.sagemaker
    bucket = f"{BUCKET}-models"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=archive(1.0))
    role = "arn:aws:iam::000000000000:role/FlowmakerAdmin"
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/model.tar.gz",
                 "Mode": "SingleModel", "Environment": {"A": "1"}}  # fmt: skip
    arns = [
        sagemaker.create_model(
            ModelName=NAME,
            ExecutionRoleArn=role,
            PrimaryContainer=container,
            EnableNetworkIsolation=False,
            Tags=TAGS,
        )["ModelArn"],
        sagemaker.create_endpoint_config(
            EndpointConfigName=NAME,
            ProductionVariants=[{**variant("AllTraffic", NAME), "InitialVariantWeight": 1.0}],
            Tags=TAGS,
        )["EndpointConfigArn"],
        sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME, Tags=TAGS)[
            "EndpointArn"
        ],
    ]
    wait = {"Delay": 1, "MaxAttempts": 100}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig=wait)
    for _ in ("apply", "plan"):
        _same_hosting(sagemaker, role, container)
        for arn in arns:
            assert same_tags(sagemaker.list_tags(ResourceArn=arn)["Tags"])

    _update_endpoint(sagemaker, wait)
    sagemaker.delete_endpoint(EndpointName=NAME)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=NAME, WaiterConfig=wait)
    sagemaker.delete_endpoint_config(EndpointConfigName=NAME)
    sagemaker.delete_model(ModelName=NAME)
    for calls, parameters, words in (
        ("endpoint", {"EndpointName": NAME}, "Could not find endpoint"),
        ("endpoint_config", {"EndpointConfigName": NAME}, "Could not find endpoint configuration"),
        ("model", {"ModelName": NAME}, "Could not find model"),
    ):
        for verb in ("describe", "delete"):
            code, message = refused(getattr(sagemaker, f"{verb}_{calls}"), **parameters)
            assert code == "ValidationException"
            assert message.startswith(words)
    s3.delete_object(Bucket=bucket, Key="model.tar.gz")
    s3.delete_bucket(Bucket=bucket)


def _update_endpoint(sagemaker: Any, wait: Mapping[str, int]) -> None:
    """To another configuration, and other tags of it."""
    other = f"{NAME}-other"
    variants = [{**variant("AllTraffic", NAME), "InitialInstanceCount": 2}]
    sagemaker.create_endpoint_config(EndpointConfigName=other, ProductionVariants=variants)
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName=other)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig=wait)
    endpoint = sagemaker.describe_endpoint(EndpointName=NAME)
    assert endpoint["EndpointConfigName"] == other
    arn = endpoint["EndpointArn"]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["stage"])
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "other"}])
    assert tags(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == {"team": "other"}
    sagemaker.delete_endpoint_config(EndpointConfigName=other)


def _same_hosting(sagemaker: Any, role: str, container: Mapping[str, Any]) -> None:
    model = sagemaker.describe_model(ModelName=NAME)
    assert model["ExecutionRoleArn"] == role
    assert model["PrimaryContainer"] == container
    assert model["EnableNetworkIsolation"] is False
    assert not model.get("Containers")
    assert "VpcConfig" not in model
    config = sagemaker.describe_endpoint_config(EndpointConfigName=NAME)
    (found,) = config["ProductionVariants"]
    assert found == {**variant("AllTraffic", NAME), "InitialVariantWeight": 1.0}
    for member in ("DataCaptureConfig", "AsyncInferenceConfig", "KmsKeyId"):
        assert member not in config
    assert not config.get("ShadowProductionVariants")
    endpoint = sagemaker.describe_endpoint(EndpointName=NAME)
    assert (endpoint["EndpointName"], endpoint["EndpointConfigName"]) == (NAME, NAME)
    assert "LastDeploymentConfig" not in endpoint
