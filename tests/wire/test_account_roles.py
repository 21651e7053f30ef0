"""Roles by boto3, assumed and passed between accounts."""

import pytest

from tests.fakes.accounts import allow, bucket_of, deny, on, refusal, refused, trusting, whom
from tests.fakes.iam_server import IamServer, OtherAccount, document

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
    accounts: IamServer, a: OtherAccount, b: OtherAccount, number: int
) -> None:
    _, trusted, own, allowed = ASSUMING[number]
    caller = accounts.account(f"caller-{number}")
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
