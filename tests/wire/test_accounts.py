"""Several accounts by boto3: each has its own names, and between them both sides must allow."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from flowmaker.store.migration import GENERATION
from tests.fakes import iam_server as fakes
from tests.fakes.iam_server import IamServer, OtherAccount, document, iam_server

OLD = Path(fakes.__file__).parent / "generation_1.sql"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamServer]:
    with iam_server(tmp_path_factory.mktemp("accounts")) as running:
        yield running


@pytest.fixture(scope="module")
def a(server: IamServer) -> OtherAccount:
    """The first account."""
    return server.first()


@pytest.fixture(scope="module")
def b(server: IamServer) -> OtherAccount:
    return server.account("b")


def refusal(call: Any, **parameters: Any) -> str:
    return refused(call, **parameters)[0]


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trusting(*arns: str, effect: str = "Allow", **more: Any) -> str:
    statement = {"Effect": effect, "Principal": {"AWS": list(arns)}, "Action": "sts:AssumeRole"}
    return document({**statement, **more})


def whom(client: Any) -> tuple[str, str]:
    told = client.get_caller_identity()
    return told["Account"], told["Arn"]


def bucket_of(account: OtherAccount, name: str, *statements: dict[str, Any]) -> str:
    """A bucket with the object `k`, and with a policy of these statements."""
    s3 = account.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"theirs")
    if statements:
        s3.put_bucket_policy(Bucket=name, Policy=document(*statements))
    return name


def on(name: str) -> list[str]:
    return [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]


# --- whose is what ---


def test_everybody_is_of_an_account(a: OtherAccount, b: OtherAccount) -> None:
    assert whom(a.client("sts")) == (a.id, f"arn:aws:iam::{a.id}:root")
    assert whom(b.client("sts")) == (b.id, f"arn:aws:iam::{b.id}:root")
    assert a.id != b.id
    keys = b.user("someone")
    assert whom(b.client("sts", keys)) == (b.id, b.arn("user/someone"))
    sts = a.client("sts")
    assert sts.get_access_key_info(AccessKeyId=keys[0])["Account"] == b.id
    session = b.client("sts", keys).get_session_token()["Credentials"]
    assert sts.get_access_key_info(AccessKeyId=session["AccessKeyId"])["Account"] == b.id
    temporary = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    assert whom(b.client("sts", temporary)) == (b.id, b.arn("user/someone"))


def populated(account: OtherAccount, action: str) -> tuple[str, str]:
    """Names that any account may have; the keys of ann, who may do that by her group."""
    iam = account.client("iam")
    iam.create_user(UserName="ann", Path="/people/")
    iam.create_group(GroupName="team")
    iam.add_user_to_group(GroupName="team", UserName="ann")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trusting(account.arn("root")))
    made = iam.create_policy(PolicyName="may", PolicyDocument=document(allow(action, "*")))
    assert made["Policy"]["Arn"] == account.arn("policy/may")
    iam.attach_group_policy(GroupName="team", PolicyArn=account.arn("policy/may"))
    iam.create_instance_profile(InstanceProfileName="node")
    iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="worker")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def test_names_are_an_accounts_own(server: IamServer) -> None:
    """The same name in both: what one does to his does nothing to the other's."""
    a, b = server.account("names-a"), server.account("names-b")
    ann_of_a, ann_of_b = populated(a, "iam:ListUsers"), populated(b, "iam:ListRoles")
    assert a.client("iam", ann_of_a).list_users()
    assert refusal(a.client("iam", ann_of_a).list_roles) == "AccessDenied"
    assert b.client("iam", ann_of_b).list_roles()
    assert refusal(b.client("iam", ann_of_b).list_users) == "AccessDenied"

    iam = b.client("iam")
    assert iam.get_role(RoleName="worker")["Role"]["Arn"] == b.arn("role/worker")
    profile = iam.get_instance_profile(InstanceProfileName="node")["InstanceProfile"]
    assert [role["Arn"] for role in profile["Roles"]] == [b.arn("role/worker")]
    assert iam.list_entities_for_policy(PolicyArn=b.arn("policy/may"))["PolicyGroups"]
    assert iam.get_policy(PolicyArn=b.arn("policy/may"))["Policy"]["AttachmentCount"] == 1

    iam.detach_group_policy(GroupName="team", PolicyArn=b.arn("policy/may"))
    iam.remove_user_from_group(GroupName="team", UserName="ann")
    iam.delete_group(GroupName="team")
    iam.delete_access_key(UserName="ann", AccessKeyId=ann_of_b[0])
    iam.delete_user(UserName="ann")
    iam.remove_role_from_instance_profile(InstanceProfileName="node", RoleName="worker")
    iam.delete_instance_profile(InstanceProfileName="node")
    iam.delete_role(RoleName="worker")
    iam.delete_policy(PolicyArn=b.arn("policy/may"))
    assert a.client("iam", ann_of_a).list_users()
    assert refusal(b.client("sts", ann_of_b).get_caller_identity) == "InvalidClientTokenId"
    left = a.client("iam").get_instance_profile(InstanceProfileName="node")["InstanceProfile"]
    assert [role["Arn"] for role in left["Roles"]] == [a.arn("role/worker")]
    assert len(a.client("iam").get_group(GroupName="team")["Users"]) == 1


def test_lists_show_one_account_only(server: IamServer, a: OtherAccount) -> None:
    fresh = server.account("fresh")
    iam, s3 = fresh.client("iam"), fresh.client("s3")
    assert iam.list_users()["Users"] == iam.list_groups()["Groups"] == []
    assert iam.list_roles()["Roles"] == iam.list_instance_profiles()["InstanceProfiles"] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert [one["AccessKeyId"] for one in iam.list_access_keys()["AccessKeyMetadata"]] == [
        fresh.keys[0]
    ]
    details = iam.get_account_authorization_details()
    for kind in ("UserDetailList", "RoleDetailList", "GroupDetailList", "Policies"):
        assert details[kind] == []
    assert s3.list_buckets()["Buckets"] == []
    fresh.user("only")
    s3.create_bucket(Bucket="only-of-fresh")
    assert [one["UserName"] for one in iam.list_users()["Users"]] == ["only"]
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["only-of-fresh"]
    mine = a.client("iam").list_users()["Users"]
    assert all(one["Arn"].startswith(f"arn:aws:iam::{a.id}:") for one in mine)
    names = [one["Name"] for one in a.client("s3").list_buckets()["Buckets"]]
    assert "only-of-fresh" not in names


def test_keys_of_another_account_are_not_touched(a: OtherAccount, b: OtherAccount) -> None:
    """By their id, nor by an equal name of their user."""
    keys = b.user("keyed")
    a.user("keyed")
    iam = a.client("iam")
    assert refusal(iam.get_access_key_last_used, AccessKeyId=keys[0]) == "NoSuchEntity"
    for name in ("keyed", None):
        of = {"UserName": name} if name else {}
        assert refusal(iam.delete_access_key, AccessKeyId=keys[0], **of) == "NoSuchEntity"
        change = {"AccessKeyId": keys[0], "Status": "Inactive", **of}
        assert refusal(iam.update_access_key, **change) == "NoSuchEntity"
    assert whom(b.client("sts", keys))[0] == b.id
    assert refusal(iam.delete_access_key, AccessKeyId=b.keys[0]) == "NoSuchEntity"


def test_policies_of_another_account_are_not_read_changed_or_attached(
    a: OtherAccount, b: OtherAccount
) -> None:
    made = b.client("iam").create_policy(
        PolicyName="theirs", PolicyDocument=document(allow("*", "*"))
    )
    arn = made["Policy"]["Arn"]
    iam = a.client("iam")
    iam.create_user(UserName="greedy")
    iam.create_role(RoleName="greedy", AssumeRolePolicyDocument=trusting(a.arn("root")))
    for attach in (
        lambda **more: iam.attach_user_policy(UserName="greedy", **more),
        lambda **more: iam.attach_role_policy(RoleName="greedy", **more),
    ):
        assert refusal(attach, PolicyArn=arn) == "NoSuchEntity"
    for bound in (
        lambda **more: iam.put_user_permissions_boundary(UserName="greedy", **more),
        lambda **more: iam.put_role_permissions_boundary(RoleName="greedy", **more),
    ):
        assert refusal(bound, PermissionsBoundary=arn) == "NoSuchEntity"
    for call, more in (
        (iam.get_policy, {}),
        (iam.delete_policy, {}),
        (iam.list_entities_for_policy, {}),
        (iam.list_policy_versions, {}),
        (iam.get_policy_version, {"VersionId": "v1"}),
        (iam.create_policy_version, {"PolicyDocument": document(deny("*", "*"))}),
    ):
        code, message = refused(call, PolicyArn=arn, **more)
        assert code == "AccessDenied"
        assert "only buckets and roles let other accounts in" in message
    whose = {"PolicySourceArn": b.arn("user/someone"), "ActionNames": ["s3:GetObject"]}
    assert refusal(iam.simulate_principal_policy, **whose) == "AccessDenied"


# --- buckets ---


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
    server: IamServer, a: OtherAccount, number: int
) -> None:
    _, named, own, allowed = READING[number]
    reader = server.account(f"reader-{number}")
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
    bucket_of(a, "public", allow("s3:GetObject", on("public"), Principal="*"))
    poor = b.client("s3", b.user("poor"))
    assert refusal(poor.get_object, Bucket="public", Key="k") == "AccessDenied"
    rich = b.client("s3", b.user("rich", allow("s3:GetObject", on("public"))))
    assert rich.get_object(Bucket="public", Key="k")["Body"].read() == b"theirs"
    a.client("s3").put_public_access_block(
        Bucket="public", PublicAccessBlockConfiguration={"RestrictPublicBuckets": True}
    )
    assert refusal(rich.get_object, Bucket="public", Key="k") == "AccessDenied"


# --- roles ---

#: Whom the role trusts, what the caller's own policy says, and what comes of it.
ASSUMING = [
    ("the role trusts nobody there", "a", (allow("sts:AssumeRole", "*"),), False),
    ("the role trusts the account, the caller may not", "root", (), False),
    ("the role trusts the user, the caller may not", "user/caller", (), False),
    ("both, by account", "root", (allow("sts:AssumeRole", "*"),), True),
    ("both, by name", "user/caller", (allow("sts:AssumeRole", "*"),), True),
    ("the role trusts another user", "user/else", (allow("sts:AssumeRole", "*"),), False),
    (
        "the caller's own side denies",
        "root",
        (allow("sts:AssumeRole", "*"), deny("sts:AssumeRole", "*")),
        False,
    ),
]


@pytest.mark.parametrize("number", range(len(ASSUMING)), ids=[case[0] for case in ASSUMING])
def test_a_role_of_one_account_assumed_from_another(
    server: IamServer, a: OtherAccount, b: OtherAccount, number: int
) -> None:
    _, trusted, own, allowed = ASSUMING[number]
    caller = server.account(f"caller-{number}")
    keys = caller.user("caller", *own)
    name, bucket = f"guest-{number}", f"room-{number}"
    trust = trusting(b.arn("root") if trusted == "a" else caller.arn(trusted))
    iam = b.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    # A role of the name in the caller's account is not it.
    caller.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=trusting(caller.arn("root"))
    )
    bucket_of(b, bucket)
    iam.put_role_policy(
        RoleName=name, PolicyName="own", PolicyDocument=document(allow("s3:GetObject", on(bucket)))
    )
    wanted = {"RoleArn": b.arn(f"role/{name}"), "RoleSessionName": "visit"}
    sts = caller.client("sts", keys)
    if not allowed:
        assert refusal(sts.assume_role, **wanted) == "AccessDenied"
        return
    assumed = sts.assume_role(**wanted)
    assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{b.id}:assumed-role/{name}/visit"
    given = assumed["Credentials"]
    visiting = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert whom(b.client("sts", visiting))[0] == b.id
    assert b.client("s3", visiting).get_object(Bucket=bucket, Key="k")["Body"].read() == b"theirs"
    assert refusal(caller.client("s3", keys).get_object, Bucket=bucket, Key="k") == "AccessDenied"
    # It is b's now, and has nothing of the account that it came from.
    bucket_of(caller, f"home-{number}")
    assert refusal(b.client("s3", visiting).head_bucket, Bucket=f"home-{number}") == "403"


def test_a_trust_policy_may_ask_for_an_external_id(a: OtherAccount, b: OtherAccount) -> None:
    keys = a.user("contractor", allow("sts:AssumeRole", "*"))
    condition = {"StringEquals": {"sts:ExternalId": "seven"}}
    b.client("iam").create_role(
        RoleName="contract", AssumeRolePolicyDocument=trusting(a.arn("root"), Condition=condition)
    )
    wanted = {"RoleArn": b.arn("role/contract"), "RoleSessionName": "visit"}
    sts = a.client("sts", keys)
    assert refusal(sts.assume_role, **wanted) == "AccessDenied"
    assert refusal(sts.assume_role, **wanted, ExternalId="eight") == "AccessDenied"
    assert sts.assume_role(**wanted, ExternalId="seven")


def test_nobody_learns_which_roles_another_account_has(a: OtherAccount, b: OtherAccount) -> None:
    b.client("iam").create_role(
        RoleName="present", AssumeRolePolicyDocument=trusting(b.arn("root"))
    )
    keys = a.user("curious", allow("sts:AssumeRole", "*"))

    def told(name: str) -> str:
        code, message = refused(
            a.client("sts", keys).assume_role,
            RoleArn=b.arn(f"role/{name}"),
            RoleSessionName="visit",
        )
        assert code == "AccessDenied"
        return message.replace(name, "NAME")

    assert told("present") == told("absent")
    unknown = {"RoleArn": "arn:aws:iam::999999999999:role/present", "RoleSessionName": "visit"}
    assert refusal(a.client("sts", keys).assume_role, **unknown) == "AccessDenied"


def test_session_policies_are_those_of_the_roles_account(a: OtherAccount, b: OtherAccount) -> None:
    keys = a.user("narrow", allow("sts:AssumeRole", "*"))
    text = document(allow("s3:ListAllMyBuckets", "*"))
    of_a = a.client("iam").create_policy(PolicyName="narrow", PolicyDocument=text)["Policy"]["Arn"]
    of_b = b.client("iam").create_policy(PolicyName="narrow", PolicyDocument=text)["Policy"]["Arn"]
    b.client("iam").create_role(
        RoleName="narrowed", AssumeRolePolicyDocument=trusting(a.arn("root"))
    )
    wanted = {"RoleArn": b.arn("role/narrowed"), "RoleSessionName": "visit"}
    sts = a.client("sts", keys)
    assert refusal(sts.assume_role, **wanted, PolicyArns=[{"arn": of_a}]) == "NoSuchEntity"
    assert sts.assume_role(**wanted, PolicyArns=[{"arn": of_b}])


# --- SageMaker ---


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


# --- folders from before ---


def test_what_is_older_than_accounts_is_the_first_accounts(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "flowmaker.db") as old:
        old.executescript(OLD.read_text())
        assert old.execute("PRAGMA user_version").fetchone() == (1,)
    with iam_server(tmp_path) as server:
        first = server.first()
        assert first.keys == ("AKIAROOTOFGENERATION", "secret-of-root")
        assert server.admin.session_token == "token-of-admin"
        ann = ("AKIAANNXOFGENERATION", "secret-of-ann")
        assert whom(first.client("sts", ann)) == (first.id, first.arn("user/team/ann"))
        # By the policy of a group in its second version, and by her own.
        buckets = first.client("s3", ann).list_buckets()["Buckets"]
        assert [one["Name"] for one in buckets] == ["old"]
        roles = first.client("iam", ann).list_roles()["Roles"]
        assert "FlowmakerAdmin" in {one["RoleName"] for one in roles}
        assert refusal(first.client("iam", ann).list_users) == "AccessDenied"
        iam = first.client("iam")
        assert iam.get_user(UserName="ann")["User"]["Tags"] == [{"Key": "of", "Value": "team"}]
        profile = iam.get_instance_profile(InstanceProfileName="nodes")["InstanceProfile"]
        assert profile["Roles"][0]["RoleName"] == "FlowmakerAdmin"
        policy = first.arn("policy/buckets")
        assert len(iam.list_policy_versions(PolicyArn=policy)["Versions"]) == 2

        other = server.account("other")
        other.user("ann")
        assert [one["UserName"] for one in iam.list_users()["Users"]] == ["ann"]
        other_ann = other.client("iam").get_user(UserName="ann")["User"]
        assert other_ann["Arn"] == other.arn("user/ann")
        assert refusal(other.client("s3").head_bucket, Bucket="old") == "403"
    with sqlite3.connect(tmp_path / "flowmaker.db") as now:
        assert now.execute("PRAGMA user_version").fetchone() == (GENERATION,)
        assert now.execute("PRAGMA foreign_key_check").fetchall() == []
