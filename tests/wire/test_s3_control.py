"""S3 Control: the tags of buckets by their ARNs, for whoever may."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.iam_server import OtherAccount

BUCKET = "by-its-arn"
ARN = f"arn:aws:s3:::{BUCKET}"
TAGS = [{"Key": "team", "Value": "ml"}]


def control(account: OtherAccount, keys: tuple[str, ...] | None = None) -> Any:
    """A client that leaves the account out of the host: not every resolver knows such a name."""
    client = account.client("s3control", keys)

    def in_path(request: Any, **_: Any) -> None:
        request.url = re.sub(r"//\d{12}\.", "//", request.url)

    client.meta.events.register("before-sign.s3-control", in_path)
    return client


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    told: Mapping[str, Any] = error.value.response  # pyright: ignore[reportAssignmentType]
    return told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture(scope="module", autouse=True)
def bucket(a: OtherAccount) -> None:
    a.client("s3").create_bucket(Bucket=BUCKET)


def test_tags_are_those_of_the_bucket(a: OtherAccount) -> None:
    s3, by_arn = a.client("s3"), control(a)
    on = {"AccountId": a.id, "ResourceArn": ARN}
    by_arn.tag_resource(**on, Tags=TAGS)
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == TAGS
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert by_arn.list_tags_for_resource(**on)["Tags"] == [{"Key": "a", "Value": "b"}]
    by_arn.untag_resource(**on, TagKeys=["a", "never"])
    assert refusal(s3.get_bucket_tagging, Bucket=BUCKET) == ("NoSuchTagSet", 404)
    many = [{"Key": f"k{n}", "Value": ""} for n in range(60)]
    by_arn.tag_resource(**on, Tags=many[:30])
    assert refusal(by_arn.tag_resource, **on, Tags=many[30:]) == ("BadRequest", 400)
    assert len(by_arn.list_tags_for_resource(**on)["Tags"]) == 30


def test_what_is_not_there_is_refused(a: OtherAccount, b: OtherAccount) -> None:
    by_arn = control(a)
    absent = {"AccountId": a.id, "ResourceArn": "arn:aws:s3:::never-made"}
    assert refusal(by_arn.list_tags_for_resource, **absent) == ("NoSuchResource", 404)
    theirs = {"AccountId": a.id, "ResourceArn": ARN}
    assert refusal(control(b).list_tags_for_resource, **theirs)[0] == "AccessDenied"
    other = {"AccountId": a.id, "ResourceArn": f"arn:aws:s3:us-east-1:{a.id}:storage-lens/x"}
    assert refusal(by_arn.tag_resource, **other, Tags=TAGS) == ("NotImplemented", 501)
    assert refusal(by_arn.list_access_points, AccountId=a.id) == ("NotImplemented", 501)


def test_policies_decide_who_tags(a: OtherAccount) -> None:
    allowed = {
        "Effect": "Allow",
        "Action": ["s3:TagResource", "s3:CreateBucket"],
        "Resource": "arn:aws:s3:::*",
        "Condition": {"StringEqualsIfExists": {"aws:RequestTag/team": "ml"}},
    }
    keys = a.user("tagger", allowed)
    by_arn = control(a, keys)
    on = {"AccountId": a.id, "ResourceArn": ARN}
    by_arn.tag_resource(**on, Tags=TAGS)
    other = [{"Key": "team", "Value": "other"}]
    assert refusal(by_arn.tag_resource, **on, Tags=other)[0] == "AccessDenied"
    assert refusal(by_arn.list_tags_for_resource, **on)[0] == "AccessDenied"
    s3 = a.client("s3", keys)
    s3.create_bucket(Bucket="made-with-tags", CreateBucketConfiguration={"Tags": TAGS})
    configuration = {"Tags": other}
    refused = refusal(
        s3.create_bucket, Bucket="made-otherwise", CreateBucketConfiguration=configuration
    )
    assert refused[0] == "AccessDenied"


def test_a_bucket_may_be_called_as_the_paths_begin(a: OtherAccount) -> None:
    s3 = a.client("s3")
    s3.create_bucket(Bucket="v20180820")
    s3.put_object(Bucket="v20180820", Key="tags/arn", Body=b"x")
    assert s3.get_object(Bucket="v20180820", Key="tags/arn")["Body"].read() == b"x"
