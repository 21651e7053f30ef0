"""Buckets of one account by boto3, reached from another: both sides must allow it."""

from urllib.request import urlopen

import pytest

from tests.fakes.accounts import allow, bucket_of, deny, on, refusal, refused
from tests.fakes.iam_server import IamServer, OtherAccount, document


def test_names_of_buckets_are_everybodys(a: OtherAccount, b: OtherAccount) -> None:
    bucket_of(a, "one-of-a")
    s3 = b.client("s3")
    assert refusal(s3.create_bucket, Bucket="one-of-a") == "BucketAlreadyExists"
    maker = b.client("s3", b.user("maker", allow("s3:CreateBucket", "*")))
    assert refusal(maker.create_bucket, Bucket="one-of-a") == "BucketAlreadyExists"
    a.client("s3").create_bucket(Bucket="one-of-a")
    assert refusal(s3.head_bucket, Bucket="one-of-a") == "403"
    assert refusal(s3.delete_bucket, Bucket="one-of-a") == "AccessDenied"


ARN_OF_USER = "user/reader"
#: Whom the bucket's policy names, whether the reader's own policy allows, and what comes of it.
READING = [
    ("nobody says anything", None, (), False),
    ("its own side alone", None, (allow("s3:*", "*"),), False),
    ("the bucket alone, by name", ARN_OF_USER, (), False),
    ("the bucket alone, by account", "root", (), False),
    ("both, by name", ARN_OF_USER, (allow("s3:GetObject", "*"),), True),
    ("both, by account", "root", (allow("s3:GetObject", "*"),), True),
    ("the bucket names another of the account", "user/else", (allow("s3:*", "*"),), False),
    ("its own side denies", "root", (allow("s3:*", "*"), deny("s3:GetObject", "*")), False),
    ("its own side speaks of another bucket", "root", (allow("s3:*", on("else")),), False),
]


@pytest.mark.parametrize("number", range(len(READING)), ids=[case[0] for case in READING])
def test_a_bucket_of_one_account_read_from_another(
    accounts: IamServer, a: OtherAccount, number: int
) -> None:
    _, named, own, allowed = READING[number]
    reader = accounts.account(f"reader-{number}")
    name = f"shared-{number}"
    keys = reader.user("reader", *own)
    letting = (
        [allow("s3:GetObject", on(name), Principal={"AWS": reader.arn(named)})] if named else []
    )
    bucket_of(a, name, *letting)
    s3 = reader.client("s3", keys)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "k"})
    if allowed:
        assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"theirs"
        with urlopen(url) as answer:
            assert answer.read() == b"theirs"
    else:
        assert refusal(s3.get_object, Bucket=name, Key="k") == "AccessDenied"
        with pytest.raises(OSError, match="403"):
            urlopen(url)
    assert refusal(s3.put_object, Bucket=name, Key="k") == "AccessDenied"
    assert refusal(s3.list_objects_v2, Bucket=name) == "AccessDenied"


def test_the_root_user_of_another_account_needs_the_bucket_too(
    a: OtherAccount, b: OtherAccount
) -> None:
    root = b.client("s3")
    bucket_of(a, "not-for-roots")
    assert refusal(root.get_object, Bucket="not-for-roots", Key="k") == "AccessDenied"
    letting = allow("s3:GetObject", on("not-for-roots"), Principal={"AWS": b.id})
    a.client("s3").put_bucket_policy(Bucket="not-for-roots", Policy=document(letting))
    assert root.get_object(Bucket="not-for-roots", Key="k")["Body"].read() == b"theirs"
    denying = deny("s3:GetObject", on("not-for-roots"), Principal="*")
    a.client("s3").put_bucket_policy(Bucket="not-for-roots", Policy=document(letting, denying))
    code, message = refused(root.get_object, Bucket="not-for-roots", Key="k")
    assert code == "AccessDenied"
    assert "explicit deny in a resource-based policy" in message


def test_a_root_user_can_always_mend_the_policy_of_his_bucket(a: OtherAccount) -> None:
    bucket_of(a, "locked", deny("s3:*", on("locked"), Principal="*"))
    s3 = a.client("s3")
    assert refusal(s3.get_object, Bucket="locked", Key="k") == "AccessDenied"
    assert "Deny" in s3.get_bucket_policy(Bucket="locked")["Policy"]
    s3.delete_bucket_policy(Bucket="locked")
    assert s3.get_object(Bucket="locked", Key="k")


def test_others_have_no_say_in_a_buckets_policy(a: OtherAccount, b: OtherAccount) -> None:
    bucket_of(a, "open", allow("s3:*", on("open"), Principal={"AWS": b.id}))
    s3 = b.client("s3")
    everyone = document(allow("s3:*", on("open"), Principal="*"))
    assert refusal(s3.put_bucket_policy, Bucket="open", Policy=everyone) == "MethodNotAllowed"
    assert refusal(s3.get_bucket_policy, Bucket="open") == "MethodNotAllowed"
    assert refusal(s3.delete_bucket_policy, Bucket="open") == "MethodNotAllowed"
    s3.put_object(Bucket="open", Key="from-b", Body=b"x")
    assert a.client("s3").get_object(Bucket="open", Key="from-b")


def test_a_copy_needs_the_source_and_the_target(a: OtherAccount, b: OtherAccount) -> None:
    bucket_of(a, "source")
    bucket_of(b, "target")
    source = {"Bucket": "source", "Key": "k"}
    copy = {"Bucket": "target", "Key": "copy", "CopySource": source}
    assert refusal(b.client("s3").copy_object, **copy) == "AccessDenied"
    letting = allow("s3:GetObject", on("source"), Principal={"AWS": b.id})
    a.client("s3").put_bucket_policy(Bucket="source", Policy=document(letting))
    b.client("s3").copy_object(**copy)
    assert refusal(a.client("s3").copy_object, **copy) == "AccessDenied"
    expecting = {"Bucket": "target", "Key": "copy", "ExpectedBucketOwner": a.id}
    assert refusal(b.client("s3").get_object, **expecting) == "AccessDenied"


def test_a_public_bucket_still_needs_the_strangers_own_side(
    a: OtherAccount, b: OtherAccount
) -> None:
    bucket_of(a, "public")
    a.client("s3").delete_public_access_block(Bucket="public")
    everyone = document(allow("s3:GetObject", on("public"), Principal="*"))
    a.client("s3").put_bucket_policy(Bucket="public", Policy=everyone)
    poor = b.client("s3", b.user("poor"))
    assert refusal(poor.get_object, Bucket="public", Key="k") == "AccessDenied"
    rich = b.client("s3", b.user("rich", allow("s3:GetObject", on("public"))))
    assert rich.get_object(Bucket="public", Key="k")["Body"].read() == b"theirs"
    a.client("s3").put_public_access_block(
        Bucket="public", PublicAccessBlockConfiguration={"RestrictPublicBuckets": True}
    )
    assert refusal(rich.get_object, Bucket="public", Key="k") == "AccessDenied"
